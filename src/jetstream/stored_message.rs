//! Messages read by their place in a stream: `STREAM.MSG.GET` and `DIRECT.GET`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::{ApiError, JetStreamError};
use crate::protocol::{Headers, Message};

/// A message as the stream holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    pub subject: Vec<u8>,
    /// Keys with their values, in order.
    pub header: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    pub payload: Bytes,
    /// The sequence in the stream, as the server wrote it.
    pub seq: String,
    /// When it was stored, RFC 3339.
    pub time: String,
}

/// Header keys with which a server describes a message read directly.
const SEQUENCE: &[u8] = b"Nats-Sequence";
const TIME: &[u8] = b"Nats-Time-Stamp";
const SUBJECT: &[u8] = b"Nats-Subject";
const STREAM: &[u8] = b"Nats-Stream";

impl StoredMessage {
    /// Reads the reply to `STREAM.MSG.GET`; `None` if it holds no message that makes sense.
    pub fn from_reply(reply: &Map<String, Value>) -> Option<StoredMessage> {
        let message = reply.get("message")?.as_object()?;
        let text = |name: &str| Some(message.get(name)?.as_str()?.to_owned());
        let decoded = |name: &str| match message.get(name) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(encoded) => STANDARD.decode(encoded.as_str()?).ok(),
        };
        Some(StoredMessage {
            // JSON holds text: a subject with bytes beyond ASCII comes as it is on the wire.
            subject: text("subject")?.into_bytes(),
            header: header_fields(&decoded("hdrs")?),
            payload: decoded("data")?.into(),
            seq: message.get("seq")?.as_u64()?.to_string(),
            time: text("time")?,
        })
    }

    /// Reads the reply to `DIRECT.GET`, which is the message itself.
    ///
    /// # Errors
    /// The server says that there is no such message, or does not understand the request.
    pub fn from_direct(reply: &Message) -> Result<StoredMessage, JetStreamError> {
        let block = reply.header().unwrap_or_default();
        let mut header = header_fields(block);
        // A stored message may have any header, but always comes with its place in the stream.
        let is_stored = header.iter().any(|(key, _)| key == SEQUENCE);
        match reply.status().filter(|_| !is_stored) {
            None => {}
            Some(404) => return Err(JetStreamError::MsgNotFound),
            Some(408) => return Err(JetStreamError::InvalidRequest),
            Some(status) => {
                let text = take_last(&mut header, b"Description");
                let text = String::from_utf8_lossy(&text).into_owned();
                return Err(JetStreamError::Api(ApiError::new(status.into(), 0, &text)));
            }
        }
        // The server puts its own behind those of the message.
        let mut take = |key| take_last(&mut header, key);
        let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        let (seq, time, subject) = (text(take(SEQUENCE)), text(take(TIME)), take(SUBJECT));
        take(STREAM);
        Ok(StoredMessage {
            subject,
            header,
            payload: reply.payload_bytes(),
            seq,
            time,
        })
    }
}

/// The fields of a block; one that cannot be read counts as empty.
fn header_fields(block: &[u8]) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    let Ok(headers) = Headers::parse(block) else {
        return Vec::new();
    };
    let fields = headers
        .iter()
        .map(|(key, values)| (key.to_vec(), values.map(<[u8]>::to_vec).collect()));
    fields.collect()
}

/// Removes a key and returns its last value, empty if there is none.
fn take_last(header: &mut Vec<(Vec<u8>, Vec<Vec<u8>>)>, key: &[u8]) -> Vec<u8> {
    let Some(at) = header.iter().position(|(name, _)| name == key) else {
        return Vec::new();
    };
    header.remove(at).1.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::protocol::{Parser, ServerOp};

    fn direct(header: &str, payload: &str) -> Result<StoredMessage, JetStreamError> {
        let (head, all) = (header.len(), header.len() + payload.len());
        let wire = format!("HMSG _INBOX.x 1 {head} {all}\r\n{header}{payload}\r\n");
        match Parser::new().next(&mut BytesMut::from(wire.as_bytes())) {
            Ok(Some(ServerOp::Message(message))) => StoredMessage::from_direct(&message),
            other => panic!("not a message: {other:?}"),
        }
    }

    #[test]
    fn the_servers_fields_are_taken_out_and_the_last_counts() {
        let header = "NATS/1.0\r\nNats-Sequence: 99\r\nA: 1\r\nA: 2\r\nNats-Stream: S\r\n\
                      Nats-Subject: foo\r\nNats-Sequence: 7\r\nNats-Time-Stamp: t\r\n\r\n";
        let stored = direct(header, "hi").unwrap();
        assert_eq!((stored.seq.as_str(), stored.time.as_str()), ("7", "t"));
        assert_eq!(
            (stored.subject.as_slice(), &stored.payload[..]),
            (&b"foo"[..], &b"hi"[..])
        );
        assert_eq!(
            stored.header,
            [(b"A".to_vec(), vec![b"1".to_vec(), b"2".to_vec()])]
        );
    }

    #[test]
    fn a_header_of_the_message_is_no_status_of_the_server() {
        for header in ["NATS/1.0\r\nStatus: 404\r\n", "NATS/1.0 404 Gone\r\n"] {
            let header = format!("{header}Nats-Sequence: 7\r\nNats-Subject: foo\r\n\r\n");
            assert_eq!(direct(&header, "hi").unwrap().seq, "7");
        }
    }

    #[test]
    fn statuses_are_errors() {
        let code = |status: &str| match direct(&format!("NATS/1.0 {status}\r\n\r\n"), "") {
            Err(error) => error.to_string(),
            Ok(_) => "stored".to_owned(),
        };
        assert_eq!(code("404 Message Not Found"), "no message found");
        assert_eq!(code("408 Empty Request"), "Invalid request");
        assert_eq!(code("412 Required Api Level"), "Required Api Level");
    }

    #[test]
    fn replies_without_a_proper_message() {
        let read = |json: &str| StoredMessage::from_reply(&serde_json::from_str(json).unwrap());
        for json in [
            "{}",
            r#"{"message":1}"#,
            r#"{"message":{"subject":"s","seq":1}}"#,
            r#"{"message":{"subject":"s","seq":1,"time":"t","data":"%"}}"#,
            r#"{"message":{"subject":"s","seq":-1,"time":"t"}}"#,
        ] {
            assert_eq!(read(json), None, "{json}");
        }
        let read = read(r#"{"message":{"subject":"s","seq":5,"time":"t","hdrs":"eA=="}}"#).unwrap();
        assert!(read.header.is_empty() && read.payload.is_empty());
    }
}
