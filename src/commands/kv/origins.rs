//! Where mirrors and aggregates take their entries from.

use crate::commands::jet_stream::fields::{Field, Kind, Rules, field, parse};
use crate::commands::json;
use crate::commands::options::invalid;
use crate::kv::names::stream_of;
use crate::tcl::{Call, Interp, Obj, Reply, Result};

/// The options of `nats::make_kv_origin`.
pub const ORIGIN: &[Field] = &[
    field("bucket", Kind::ValidStr, "the bucket").required(),
    field(
        "stream",
        Kind::ValidStr,
        "its stream, if that is not named `KV_<bucket>`",
    ),
    field("keys", Kind::Str, "list of patterns of the keys to take"),
    field("api", Kind::ValidStr, "API prefix that leads to another account"),
    field(
        "domain",
        Kind::ValidStr,
        "the bucket's JetStream domain, in place of `-api`",
    ),
    field(
        "deliver",
        Kind::ValidStr,
        "prefix of the subjects that entries come by",
    ),
];

/// `nats::make_kv_origin ?option value …?`: a dict of what was given.
pub fn make_kv_origin(call: &Call) -> Result<Reply> {
    let mut given = parse(call.args(), &[], ORIGIN, Rules::Strict)?;
    if let Some(domain) = given.take("domain") {
        if given.get("api").is_some() {
            return Err(invalid("-domain and -api are mutually exclusive"));
        }
        given.set("api", Obj::text(&format!("$JS.{}.API", domain.to_text())));
    }
    if given.get("bucket").is_none() {
        return Err(invalid("Option bucket is required"));
    }
    let keys = ["stream", "bucket", "keys", "api", "deliver"];
    let pairs = keys
        .iter()
        .filter_map(|key| Some((*key, given.get(key)?.clone())));
    Ok(Reply::Value(Obj::record(&pairs.collect::<Vec<_>>())))
}

/// An origin as JSON for the `mirror` of a stream.
pub fn mirror(interp: &Interp, origin: &Obj) -> Result<Obj> {
    let origin = Origin::of(interp, origin)?;
    let transforms = origin.transforms(&origin.bucket);
    Ok(origin.source(&transforms))
}

/// Origins as a list of JSON for the `sources` of an aggregate.
pub fn sources(interp: &Interp, origins: &[Obj], aggregate: &str) -> Result<Obj> {
    let sources = origins.iter().map(|origin| {
        let mut origin = Origin::of(interp, origin)?;
        if origin.keys.is_empty() {
            origin.keys.push(">".to_owned());
        }
        Ok(origin.source(&origin.transforms(aggregate)))
    });
    Ok(Obj::list(&sources.collect::<Result<Vec<_>>>()?))
}

struct Origin {
    stream: String,
    bucket: String,
    keys: Vec<String>,
    api: Option<String>,
    deliver: Option<String>,
}

impl Origin {
    fn of(interp: &Interp, dict: &Obj) -> Result<Origin> {
        let text = |key: &str| -> Result<Option<String>> {
            let value = dict.get(interp, &Obj::text(key))?;
            Ok(value.map(|value| value.to_text().into_owned()))
        };
        let Some(bucket) = text("bucket")? else {
            return Err(invalid(
                "An origin must have the key bucket: see nats::make_kv_origin",
            ));
        };
        let keys = match dict.get(interp, &Obj::text("keys"))? {
            Some(keys) => keys.elements(interp)?,
            None => Vec::new(),
        };
        Ok(Origin {
            stream: text("stream")?.unwrap_or_else(|| stream_of(&bucket)),
            bucket,
            keys: keys.iter().map(|key| key.to_text().into_owned()).collect(),
            api: text("api")?,
            deliver: text("deliver")?,
        })
    }

    /// How the subjects of the origin become those of a bucket, for each pattern of keys.
    fn transforms(&self, bucket: &str) -> Vec<String> {
        let transform = |key: &String| {
            json::object([
                ("src", json::string(&format!("$KV.{}.{key}", self.bucket))),
                (
                    "dest",
                    json::string(&format!("$KV.{bucket}.{}", destination(key))),
                ),
            ])
        };
        self.keys.iter().map(transform).collect()
    }

    fn source(&self, transforms: &[String]) -> Obj {
        let mut fields = vec![("name", json::string(&self.stream))];
        if let Some(api) = &self.api {
            let mut external = vec![("api", json::string(api))];
            if let Some(deliver) = &self.deliver {
                external.push(("deliver", json::string(deliver)));
            }
            fields.push(("external", json::object(external)));
        }
        if !transforms.is_empty() {
            fields.push(("subject_transforms", json::array(transforms)));
        }
        Obj::text(&json::object(fields))
    }
}

/// What a pattern of keys becomes where subjects are made: a wildcard of one token must say which
/// one it stands for.
fn destination(pattern: &str) -> String {
    let mut count = 0;
    let token = |token: &str| {
        if token != "*" {
            return token.to_owned();
        }
        count += 1;
        format!("{{{{wildcard({count})}}}}")
    };
    pattern.split('.').map(token).collect::<Vec<_>>().join(".")
}
