//! Buckets as a whole: making, finding, changing and removing them.

use serde_json::{Map, Value};

use super::bucket::Bucket;
use super::error::KvError;
use super::names::{STREAM_PREFIX, stream_of};
use crate::jetstream::Context;

/// The configuration of a stream, as it is in JSON.
pub type Config = Map<String, Value>;

/// Finds a bucket and returns its stream's configuration.
pub async fn bind(context: Context, bucket: String) -> Result<Config, KvError> {
    let info = info(&context, &bucket).await?;
    let config = config_of(info);
    let history = config.get("max_msgs_per_subject").and_then(Value::as_i64);
    if history.unwrap_or(0) < 1 {
        return Err(KvError::BucketNotFound(bucket));
    }
    Ok(config)
}

/// Makes a stream of this configuration and returns the one that it got.
pub async fn create(context: Context, config: Config) -> Result<Config, KvError> {
    if config.contains_key(MARKER_TTL) {
        require_marker_ttl(&context).await?;
    }
    let name = config.get("name").and_then(Value::as_str).unwrap_or_default();
    let suffix = format!("STREAM.CREATE.{name}");
    let made = context.api(&suffix, &Value::Object(config).to_string()).await?;
    Ok(config_of(made.fields))
}

/// Gives the stream of a bucket other values for these fields of its configuration.
pub async fn update(context: Context, bucket: String, changes: Config) -> Result<(), KvError> {
    let mut config = bind(context.clone(), bucket.clone()).await?;
    if changes.contains_key(MARKER_TTL) {
        require_marker_ttl(&context).await?;
    }
    config.extend(changes);
    let suffix = format!("STREAM.UPDATE.{}", stream_of(&bucket));
    let updated = context.api(&suffix, &Value::Object(config).to_string()).await;
    updated.map_err(|error| KvError::of_bucket(&bucket, error))?;
    Ok(())
}

/// Removes a bucket with all that it holds.
pub async fn delete(context: Context, bucket: String) -> Result<Value, KvError> {
    ask(&context, "STREAM.DELETE", &bucket, "success").await
}

/// Removes all entries of a bucket and returns their number; revisions go on counting.
pub async fn empty(context: Context, bucket: String) -> Result<Value, KvError> {
    ask(&context, "STREAM.PURGE", &bucket, "purged").await
}

/// The names of all buckets.
pub async fn names(context: Context) -> Result<Vec<String>, KvError> {
    let streams = context.pages("STREAM.NAMES", Map::new(), "streams").await?;
    let names = streams.iter().filter_map(Value::as_str);
    Ok(names
        .filter_map(|name| name.strip_prefix(STREAM_PREFIX))
        .map(str::to_owned)
        .collect())
}

/// What the server tells about the stream of a bucket.
pub async fn info(context: &Context, bucket: &str) -> Result<Map<String, Value>, KvError> {
    let suffix = format!("STREAM.INFO.{}", stream_of(bucket));
    match context.api(&suffix, "").await {
        Ok(info) => Ok(info.fields),
        Err(error) => Err(KvError::of_bucket(bucket, error)),
    }
}

impl Bucket {
    /// Makes sure that entries may have a time to live of their own: a server that knows nothing
    /// of that would keep them for ever.
    pub async fn require_ttl(&self, context: &Context) -> Result<(), KvError> {
        let origin = Context {
            prefix: self.origin.api_prefix.as_str().into(),
            ..context.clone()
        };
        let suffix = format!("STREAM.INFO.{}", self.origin.stream);
        let info = origin.api(&suffix, "").await;
        let info = info.map_err(|error| KvError::of_bucket(&self.name, error))?;
        if config_of(info.fields).get("allow_msg_ttl") == Some(&Value::Bool(true)) {
            return Ok(());
        }
        Err(KvError::Unsupported(format!(
            "Bucket {} has no time to live for single keys: set its option -limit_markers, which needs \
             NATS server 2.11 or newer",
            self.name
        )))
    }
}

/// The field that makes the server place markers where entries expire.
pub const MARKER_TTL: &str = "subject_delete_marker_ttl";

/// An older server would ignore the field without a word.
async fn require_marker_ttl(context: &Context) -> Result<(), KvError> {
    let account = context.api("INFO", "").await?.fields;
    let level = account.get("api").and_then(|api| api.get("level"));
    if level.and_then(Value::as_u64).unwrap_or(0) >= 1 {
        return Ok(());
    }
    let text = "Option -limit_markers needs NATS server 2.11 or newer";
    Err(KvError::Unsupported(text.to_owned()))
}

async fn ask(context: &Context, what: &str, bucket: &str, field: &str) -> Result<Value, KvError> {
    let suffix = format!("{what}.{}", stream_of(bucket));
    match context.api(&suffix, "").await {
        Ok(mut reply) => Ok(reply.fields.remove(field).unwrap_or(Value::Null)),
        Err(error) => Err(KvError::of_bucket(bucket, error)),
    }
}

/// The configuration in what the server tells about a stream.
pub fn config_of(mut info: Map<String, Value>) -> Config {
    match info.remove("config") {
        Some(Value::Object(config)) => config,
        _ => Config::new(),
    }
}
