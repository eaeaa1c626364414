//! What a server tells about itself in INFO.

use serde_json::{Map, Value};

use super::error::ProtocolError;

/// The fields of an INFO in the order of the server, known to us or not.
///
/// Typed accessors treat a field of another type as absent: what a server gets wrong in one
/// field must not cost the connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerInfo {
    fields: Map<String, Value>,
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
        Ok(Self { fields })
    }

    /// All fields in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// Takes over the fields of `update`; others keep their values and places.
    pub fn merge(&mut self, update: &ServerInfo) {
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
        urls.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    fn flag(&self, name: &str) -> bool {
        self.fields
            .get(name)
            .and_then(Value::as_bool)
            .unwrap_or(false)
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
