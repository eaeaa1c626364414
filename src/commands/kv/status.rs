//! `status`: what is known of a bucket.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::{KeyValue, failure};
use crate::commands::jet_stream::fields::convert_reply;
use crate::commands::jet_stream::stream_config::STREAM;
use crate::commands::json;
use crate::kv::bucket::mirrored_stream;
use crate::kv::buckets;
use crate::kv::names::bucket_of;
use crate::tcl::{Call, Obj, Reply, Result};

pub fn status(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    let (bucket, name) = (key_value.bucket.name.clone(), key_value.bucket.name.clone());
    key_value.jet_stream.start(
        |context| async move { buckets::info(&context, &bucket).await },
        move |info| Ok(dict(&name, info.map_err(failure::to_tcl_short)?)),
    )
}

fn dict(bucket: &str, mut info: Map<String, Value>) -> Obj {
    let state = info.remove("state").unwrap_or_default();
    let mut config = buckets::config_of(info);
    convert_reply(&mut config, STREAM);
    let number = |of: Option<&Value>| of.map_or(Obj::int(0), json::to_tcl);
    let compressed = config
        .get("compression")
        .and_then(Value::as_str)
        .unwrap_or("none")
        != "none";
    let mut fields = vec![
        ("bucket", Obj::text(bucket)),
        ("bytes", number(state.get("bytes"))),
        ("history", number(config.get("max_msgs_per_subject"))),
        ("ttl", number(config.get("max_age"))),
        ("values", number(state.get("messages"))),
        ("is_compressed", Obj::int(compressed.into())),
    ];
    if let Some((stream, api)) = config.get("mirror").and_then(mirrored_stream) {
        fields.push(("mirror_name", Obj::text(bucket_of(stream))));
        if let Some(domain) = api.and_then(domain_of) {
            fields.push(("mirror_domain", Obj::text(domain)));
        }
    }
    fields.push(("stream_config", json::to_tcl(&Value::Object(config.clone()))));
    fields.push(("stream_state", json::to_tcl(&state)));
    fields.push(("limit_markers", number(config.get(buckets::MARKER_TTL))));
    Obj::record(&fields)
}

/// The domain that an API prefix `$JS.<domain>.API` leads to.
fn domain_of(api: &str) -> Option<&str> {
    let tokens: Vec<&str> = api.split('.').collect();
    match tokens.as_slice() {
        [_, domain, "API"] => Some(domain),
        _ => None,
    }
}
