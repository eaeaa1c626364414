//! What we tell a server about ourselves in CONNECT.

use std::fmt::Write;

/// The contents of a CONNECT. Has no `Debug` because of the credentials.
#[derive(Clone, Copy)]
pub struct Connect<'a> {
    /// Whether the server shall answer each operation with +OK.
    pub verbose: bool,
    /// Whether the server shall check subjects strictly.
    pub pedantic: bool,
    /// Whether the connection was upgraded to TLS.
    pub tls_required: bool,
    /// The connection's name for the server's logs; may be empty.
    pub name: &'a str,
    /// The version of this package.
    pub version: &'a str,
    /// Whether the server shall deliver our own messages to our subscriptions.
    pub echo: bool,
    /// Whether the server understands headers; then so do we, and we want to hear when a request
    /// has no responders.
    pub headers: bool,
    pub credentials: Credentials<'a>,
}

/// Proof of who we are; what is empty is not sent. Has no `Debug`, so that no log can show it.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    pub user: &'a str,
    pub password: &'a str,
    pub token: &'a str,
    pub jwt: &'a str,
    /// The public key of a user without JWT.
    pub nkey: &'a str,
    /// The signature of the server's nonce.
    pub sig: &'a str,
}

impl Connect<'_> {
    /// The JSON object without blanks, its fields in a fixed order.
    pub fn to_json(&self) -> String {
        let Self {
            verbose,
            pedantic,
            tls_required,
            name,
            version,
            echo,
            headers,
            credentials,
        } = *self;
        let mut json = Object::new();
        json.literal("verbose", verbose);
        json.literal("pedantic", pedantic);
        json.literal("tls_required", tls_required);
        json.string("name", name);
        json.string("lang", "Tcl");
        json.string("version", version);
        json.literal("protocol", 1);
        json.literal("echo", echo);
        if headers {
            json.literal("headers", true);
            json.literal("no_responders", true);
        }
        let Credentials {
            user,
            password,
            token,
            jwt,
            nkey,
            sig,
        } = credentials;
        let fields = [
            ("user", user),
            ("pass", password),
            ("auth_token", token),
            ("jwt", jwt),
            ("nkey", nkey),
            ("sig", sig),
        ];
        for (key, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            json.string(key, value);
        }
        json.finish()
    }
}

/// A JSON object in the making.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self(String::from("{"))
    }

    /// A value whose text is JSON already.
    fn literal(&mut self, key: &str, value: impl ToString) {
        self.key(key);
        self.0.push_str(&value.to_string());
    }

    fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        push_quoted(&mut self.0, value);
    }

    fn key(&mut self, key: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        push_quoted(&mut self.0, key);
        self.0.push(':');
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Appends `text` as a JSON string. Escapes all of Unicode's control characters, also those that
/// JSON would allow: what a name holds must not steer the terminal that shows a server's log.
fn push_quoted(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Connect = Connect {
        verbose: false,
        pedantic: false,
        tls_required: false,
        name: "x",
        version: "3.3.0",
        echo: true,
        headers: false,
        credentials: NOTHING,
    };

    const NOTHING: Credentials = Credentials {
        user: "",
        password: "",
        token: "",
        jwt: "",
        nkey: "",
        sig: "",
    };

    const PLAIN_JSON: &str = concat!(
        r#"{"verbose":false,"pedantic":false,"tls_required":false,"name":"x","lang":"Tcl","#,
        r#""version":"3.3.0","protocol":1,"echo":true}"#
    );

    #[test]
    fn fixed_fields() {
        assert_eq!(PLAIN.to_json(), PLAIN_JSON);
        let all = Connect {
            verbose: true,
            pedantic: true,
            tls_required: true,
            name: "",
            echo: false,
            headers: true,
            ..PLAIN
        };
        let expected = concat!(
            r#"{"verbose":true,"pedantic":true,"tls_required":true,"name":"","lang":"Tcl","#,
            r#""version":"3.3.0","protocol":1,"echo":false,"headers":true,"no_responders":true}"#
        );
        assert_eq!(all.to_json(), expected);
    }

    #[test]
    fn credentials_come_last() {
        let json = |credentials| Connect { credentials, ..PLAIN }.to_json();
        let with = |fields: &str| PLAIN_JSON.replace('}', fields);
        let user = Credentials {
            user: "u\"",
            password: "p",
            ..NOTHING
        };
        assert_eq!(json(user), with(r#","user":"u\"","pass":"p"}"#));
        let token = Credentials {
            token: "t",
            ..NOTHING
        };
        assert_eq!(json(token), with(r#","auth_token":"t"}"#));
        let keys = Credentials {
            jwt: "j.w.t",
            nkey: "U",
            sig: "s-_",
            ..NOTHING
        };
        assert_eq!(json(keys), with(r#","jwt":"j.w.t","nkey":"U","sig":"s-_"}"#));
    }

    #[test]
    fn texts_are_escaped() {
        let name = "\"\\/\u{8}\u{c}\n\r\t\0\u{1b}\u{1f} \u{7f}\u{80}\u{9f}\u{a0}é€😀";
        let json = Connect { name, ..PLAIN }.to_json();
        let expected = concat!(
            r#""name":"\"\\/\b\f\n\r\t\u0000\u001b\u001f \u007f\u0080\u009f"#,
            "\u{a0}é€😀\","
        );
        assert!(json.contains(expected), "{json}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["name"], name);
    }
}
