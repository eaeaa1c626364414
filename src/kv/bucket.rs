//! A bucket as an object knows it: where its keys are read and written.

use serde_json::{Map, Value};

use super::names::{bucket_of, stream_of};

/// Computed once, from the stream's configuration when the bucket was created or bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub name: String,
    /// The stream that is asked.
    pub stream: String,
    /// What the subjects of stored messages begin with, without the dot before the key.
    pub read_prefix: String,
    /// What the subjects of writes begin with, the way to another account or domain included.
    pub write_prefix: String,
    /// Where the stream is managed that takes the writes; not this one if it is a mirror.
    pub origin: Origin,
    /// Whether any server that holds the stream answers reads, not only its leader.
    pub allow_direct: bool,
}

/// The stream that takes the writes to a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub api_prefix: String,
    pub stream: String,
}

impl Bucket {
    /// Reads the stream's configuration; `api_prefix` is the one of the object that asked for it.
    pub fn new(name: &str, config: &Map<String, Value>, api_prefix: &str) -> Bucket {
        let stream = stream_of(name);
        let here = format!("$KV.{name}");
        let mirrored = config.get("mirror").and_then(mirrored_stream);
        let (read_prefix, write_prefix, origin) = match mirrored {
            None => {
                let origin = Origin::new(api_prefix, &stream);
                (here.clone(), through(api_prefix, &here), origin)
            }
            Some((of, None)) => {
                let there = format!("$KV.{}", bucket_of(of));
                (here, through(api_prefix, &there), Origin::new(api_prefix, of))
            }
            Some((of, Some(api))) => {
                let there = format!("$KV.{}", bucket_of(of));
                let written = format!("{api}.{there}");
                (there, written, Origin::new(api, of))
            }
        };
        Bucket {
            name: name.to_owned(),
            stream,
            read_prefix,
            write_prefix,
            origin,
            allow_direct: config.get("allow_direct") == Some(&Value::Bool(true)),
        }
    }

    /// Where a key is stored.
    pub fn stored_at(&self, key: &str) -> String {
        format!("{}.{key}", self.read_prefix)
    }

    /// Where a key is published to.
    pub fn written_to(&self, key: &str) -> String {
        format!("{}.{key}", self.write_prefix)
    }
}

impl Origin {
    fn new(api_prefix: &str, stream: &str) -> Origin {
        Origin {
            api_prefix: api_prefix.to_owned(),
            stream: stream.to_owned(),
        }
    }
}

/// The stream that a configuration's `mirror` names, and the API prefix that leads to it if it is
/// in another account or domain.
pub fn mirrored_stream(mirror: &Value) -> Option<(&str, Option<&str>)> {
    let stream = mirror.get("name")?.as_str()?;
    let api = mirror.get("external").and_then(|external| external.get("api"));
    let api = api.and_then(Value::as_str).filter(|api| !api.is_empty());
    Some((stream, api))
}

/// Another domain or account takes messages for its subjects behind its API prefix.
fn through(api_prefix: &str, subject: &str) -> String {
    if api_prefix == DEFAULT_PREFIX {
        subject.to_owned()
    } else {
        format!("{api_prefix}.{subject}")
    }
}

/// The API of the own account and domain.
const DEFAULT_PREFIX: &str = "$JS.API";

#[cfg(test)]
mod tests {
    use super::*;

    /// Read prefix, write prefix, and where the origin is.
    fn prefixes(config: &str, api_prefix: &str) -> [String; 4] {
        let config = serde_json::from_str(config).unwrap();
        let bucket = Bucket::new("B", &config, api_prefix);
        assert_eq!(bucket.stream, "KV_B");
        let origin = bucket.origin;
        [
            bucket.read_prefix,
            bucket.write_prefix,
            origin.api_prefix,
            origin.stream,
        ]
    }

    #[test]
    fn an_ordinary_bucket_here_and_elsewhere() {
        assert_eq!(prefixes("{}", "$JS.API"), ["$KV.B", "$KV.B", "$JS.API", "KV_B"]);
        assert_eq!(
            prefixes("{}", "$JS.hub.API"),
            ["$KV.B", "$JS.hub.API.$KV.B", "$JS.hub.API", "KV_B"]
        );
    }

    #[test]
    fn a_mirror_is_written_at_its_origin() {
        let same = r#"{"mirror":{"name":"KV_M"}}"#;
        assert_eq!(prefixes(same, "$JS.API"), ["$KV.B", "$KV.M", "$JS.API", "KV_M"]);
        assert_eq!(prefixes(same, "imp"), ["$KV.B", "imp.$KV.M", "imp", "KV_M"]);
        let other = r#"{"mirror":{"name":"KV_M","external":{"api":"$JS.hub.API","deliver":""}}}"#;
        assert_eq!(
            prefixes(other, "$JS.leaf.API"),
            ["$KV.M", "$JS.hub.API.$KV.M", "$JS.hub.API", "KV_M"]
        );
        let unprefixed = r#"{"mirror":{"name":"MIRROR","external":{"api":"A"}}}"#;
        assert_eq!(
            prefixes(unprefixed, "$JS.API"),
            ["$KV.MIRROR", "A.$KV.MIRROR", "A", "MIRROR"]
        );
    }

    #[test]
    fn direct_reads_only_where_the_stream_allows_them() {
        let direct = |config| Bucket::new("B", &serde_json::from_str(config).unwrap(), "").allow_direct;
        assert!(direct(r#"{"allow_direct":true}"#));
        assert!(!direct("{}") && !direct(r#"{"allow_direct":false}"#) && !direct(r#"{"allow_direct":null}"#));
    }
}
