//! What a server tells about itself in INFO.

use serde_json::{Map, Value};

use super::error::ProtocolError;
use super::json_memory::{field_memory, json_memory};

/// The fields of an INFO in the order of the server, known to us or not.
///
/// Typed accessors treat a field of another type as absent: what a server gets wrong in one
/// field must not cost the connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerInfo {
    fields: Map<String, Value>,
    /// What [`json_memory`] says of the fields.
    memory: usize,
}

impl ServerInfo {
    /// Reads the JSON object of an INFO. Bytes that are not UTF-8 become U+FFFD. `version` is cut
    /// to its first run of digits and dots, so that it can be compared.
    ///
    /// # Errors
    /// The text is not JSON, not an object, or nested deeper than 128 levels.
    pub fn parse(json: &[u8]) -> Result<Self, ProtocolError> {
        let json = json.trim_ascii();
        let Ok(mut fields) = serde_json::from_str(&String::from_utf8_lossy(json)) else {
            return Err(ProtocolError::invalid_operation(b"INFO", json));
        };
        shorten_version(&mut fields);
        Ok(Self {
            memory: json_memory(&fields),
            fields,
        })
    }

    /// All fields in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Bytes of memory that the fields take, about.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Takes over the fields of `update`; others keep their values and places.
    ///
    /// The work is in proportion to what comes and what goes, not to what stays: a server must not
    /// keep us busy with small updates of much that it has sent once.
    pub fn merge(&mut self, update: &ServerInfo) {
        let replaced = |(name, _): (&String, &Value)| self.fields.get_key_value(name);
        let replaced = update.fields.iter().filter_map(replaced);
        let gone: usize = replaced.map(|(name, value)| field_memory(name, value)).sum();
        self.memory = self.memory + update.memory - gone;
        self.fields.extend(update.fields.clone());
    }

    /// Largest header block plus payload in bytes that the server accepts.
    pub fn max_payload(&self) -> Option<usize> {
        self.fields.get("max_payload")?.as_u64()?.try_into().ok()
    }

    /// Whether the server understands headers.
    pub fn headers(&self) -> bool {
        self.flag("headers")
    }

    /// Whether CONNECT must carry credentials.
    pub fn auth_required(&self) -> bool {
        self.flag("auth_required")
    }

    /// Whether the connection must be upgraded to TLS before CONNECT.
    pub fn tls_required(&self) -> bool {
        self.flag("tls_required")
    }

    /// Whether the connection may be upgraded to TLS before CONNECT.
    pub fn tls_available(&self) -> bool {
        self.flag("tls_available")
    }

    /// Whether the server is in lame duck mode: about to close its connections.
    pub fn ldm(&self) -> bool {
        self.flag("ldm")
    }

    /// The challenge to sign when logging in with a key.
    pub fn nonce(&self) -> Option<&str> {
        self.text("nonce")
    }

    /// The server's unique name.
    pub fn server_name(&self) -> Option<&str> {
        self.text("server_name")
    }

    /// The server's version, digits and dots only.
    pub fn version(&self) -> Option<&str> {
        self.text("version")
    }

    /// `host:port` of the servers of the cluster that clients may connect to.
    pub fn connect_urls(&self) -> Vec<&str> {
        let urls = self.fields.get("connect_urls").and_then(Value::as_array);
        urls.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn flag(&self, name: &str) -> bool {
        self.fields.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }
}

/// Cuts `2.11.1-binary` to `2.11.1`; a version without digits and dots stays as it is.
fn shorten_version(fields: &mut Map<String, Value>) {
    let Some(Value::String(version)) = fields.get_mut("version") else {
        return;
    };
    let in_run = |c: char| c.is_ascii_digit() || c == '.';
    let Some(start) = version.find(in_run) else {
        return;
    };
    let run = &version[start..];
    let end = run.find(|c| !in_run(c)).unwrap_or(run.len());
    *version = run[..end].to_owned();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(json: &str) -> ServerInfo {
        ServerInfo::parse(json.as_bytes()).unwrap()
    }

    /// All fields as `name=value`, the values in JSON.
    fn show(info: &ServerInfo) -> Vec<String> {
        info.fields()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn keeps_every_field_verbatim_and_in_order() {
        let json = r#" {"z":1.50,"a":-0,"big":123456789012345678901234567890,"n":null,"t":true,
            "l":["x",1],"o":{"y":1,"b":2},"s":"\u00e9\/\n","u":"é"} "#;
        let expected = [
            "z=1.50",
            "a=-0",
            "big=123456789012345678901234567890",
            "n=null",
            "t=true",
            r#"l=["x",1]"#,
            r#"o={"y":1,"b":2}"#,
            r#"s="é/\n""#,
            r#"u="é""#,
        ];
        assert_eq!(show(&info(json)), expected);
    }

    #[test]
    fn cuts_versions() {
        let cases = [
            ("2.11.1-binary", "2.11.1"),
            ("2.10.0", "2.10.0"),
            ("v2.9.1-beta.3", "2.9.1"),
            ("dev", "dev"),
            ("", ""),
        ];
        for (given, cut) in cases {
            assert_eq!(info(&format!(r#"{{"version":"{given}"}}"#)).version(), Some(cut));
        }
        assert_eq!(show(&info(r#"{"version":2}"#)), ["version=2"]);
        assert_eq!(info(r#"{"version":2}"#).version(), None);
    }

    #[test]
    fn typed_fields() {
        let info = info(
            r#"{"max_payload":1048576,"headers":true,"auth_required":true,"tls_required":true,
                "tls_available":true,"ldm":true,"nonce":"n","server_name":"s",
                "connect_urls":["h:1",7,"[::1]:2"]}"#,
        );
        assert_eq!(info.max_payload(), Some(1_048_576));
        assert!(info.headers() && info.auth_required() && info.ldm());
        assert!(info.tls_required() && info.tls_available());
        assert_eq!((info.nonce(), info.server_name()), (Some("n"), Some("s")));
        assert_eq!(info.connect_urls(), ["h:1", "[::1]:2"]);
    }

    #[test]
    fn fields_of_other_types_count_as_absent() {
        let odd = r#"{"max_payload":-1,"headers":false,"auth_required":"true","tls_required":1,
            "ldm":null,"nonce":5,"connect_urls":"h:1"}"#;
        for info in [info(odd), info("{}"), ServerInfo::default()] {
            assert_eq!(info.max_payload(), None);
            assert!(!info.headers() && !info.auth_required() && !info.ldm());
            assert!(!info.tls_required() && !info.tls_available());
            assert_eq!(
                (info.nonce(), info.server_name(), info.version()),
                (None, None, None)
            );
            assert!(info.connect_urls().is_empty());
        }
        assert_eq!(info(r#"{"max_payload":1.5}"#).max_payload(), None);
        assert_eq!(info(r#"{"max_payload":"1"}"#).max_payload(), None);
    }

    #[test]
    fn updates_merge() {
        let mut all = info(r#"{"a":1,"version":"2.1.0-x","b":[1]}"#);
        all.merge(&info(r#"{"ldm":true,"b":[2],"version":"2.2.0-y"}"#));
        assert_eq!(show(&all), ["a=1", r#"version="2.2.0""#, "b=[2]", "ldm=true"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        let info = ServerInfo::parse(b"{\"server_name\":\"a\xFFb\"}").unwrap();
        assert_eq!(info.server_name(), Some("a\u{FFFD}b"));
    }

    #[test]
    fn refuses_what_is_not_an_object() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        for json in ["", "{", "[]", "1", "null", "{} {}", "{\"a\":}", deep.as_str()] {
            let error = ServerInfo::parse(json.as_bytes()).unwrap_err();
            let begin = &json[..json.len().min(256)];
            assert_eq!(error.to_string(), format!("Invalid protocol INFO {begin}"));
            assert_eq!(error.code(), "ErrProtocol");
        }
    }
}
