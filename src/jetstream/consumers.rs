//! Creating and updating consumers: which API subject it takes depends on the server.

use serde_json::Value;

use super::Context;
use super::api::ApiReply;
use super::error::JetStreamError;
use crate::protocol::ServerInfo;

/// A consumer to be created or updated.
pub struct ConsumerRequest {
    pub stream: String,
    pub name: Option<String>,
    pub durable_name: Option<String>,
    pub filter_subject: Option<String>,
    /// The whole configuration as JSON, the names and the filter included.
    pub config: String,
    pub action: Action,
}

/// What is to be done. Servers before 2.10 create or update, whatever is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
}

impl Context {
    /// Creates or updates a consumer; the reply is like one to `CONSUMER.INFO`.
    pub async fn configure_consumer(&self, request: &ConsumerRequest) -> Result<ApiReply, JetStreamError> {
        let version = self.client.server_info().as_ref().and_then(version);
        let suffix = request.suffix(version);
        let body = request.body(version);
        // The filter at the end may hold wildcards.
        let lax = Context {
            check_subjects: self.check_subjects && !suffix.names_filter,
            ..self.clone()
        };
        lax.api(&suffix.text, &body).await
    }
}

struct Suffix {
    text: String,
    names_filter: bool,
}

impl ConsumerRequest {
    fn suffix(&self, version: Option<Version>) -> Suffix {
        let stream = &self.stream;
        let name = self.name.as_ref().filter(|_| is_at_least(version, (2, 9)));
        let filter = self.filter_subject.as_ref().filter(|filter| *filter != ">");
        let text = match (name, &self.durable_name, filter) {
            (Some(name), _, Some(filter)) => format!("CONSUMER.CREATE.{stream}.{name}.{filter}"),
            (Some(name), _, None) => format!("CONSUMER.CREATE.{stream}.{name}"),
            (None, Some(durable), _) => format!("CONSUMER.DURABLE.CREATE.{stream}.{durable}"),
            (None, None, _) => format!("CONSUMER.CREATE.{stream}"),
        };
        Suffix {
            text,
            names_filter: name.is_some() && filter.is_some(),
        }
    }

    fn body(&self, version: Option<Version>) -> String {
        let stream = Value::from(self.stream.as_str());
        let action = match self.action {
            _ if !is_at_least(version, (2, 10)) => "",
            Action::Create => r#","action":"create""#,
            Action::Update => r#","action":"update""#,
        };
        format!(r#"{{"stream_name":{stream},"config":{}{action}}}"#, self.config)
    }
}

/// Major and minor.
type Version = (u32, u32);

/// `None` if the server does not tell.
fn version(info: &ServerInfo) -> Option<Version> {
    let mut numbers = info.version()?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// A server that does not tell counts as current.
fn is_at_least(version: Option<Version>, least: Version) -> bool {
    version.is_none_or(|version| version >= least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, durable_name: &str, filter: &str) -> ConsumerRequest {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ConsumerRequest {
            stream: "S".to_owned(),
            name: given(name),
            durable_name: given(durable_name),
            filter_subject: given(filter),
            config: "{}".to_owned(),
            action: Action::Create,
        }
    }

    #[test]
    fn the_first_condition_that_holds_gives_the_subject() {
        let cases = [
            (("C", "", "a.*"), Some((2, 9)), "CONSUMER.CREATE.S.C.a.*"),
            (("C", "", ">"), Some((2, 12)), "CONSUMER.CREATE.S.C"),
            (("C", "", ""), None, "CONSUMER.CREATE.S.C"),
            (("C", "", "a.*"), Some((2, 8)), "CONSUMER.CREATE.S"),
            (("", "D", "a.*"), Some((2, 12)), "CONSUMER.DURABLE.CREATE.S.D"),
            (("", "", "a.*"), Some((3, 0)), "CONSUMER.CREATE.S"),
        ];
        for ((name, durable, filter), version, expected) in cases {
            assert_eq!(request(name, durable, filter).suffix(version).text, expected);
        }
    }

    #[test]
    fn old_servers_know_no_action() {
        let request = request("", "D", "");
        let old = r#"{"stream_name":"S","config":{}}"#;
        let current = r#"{"stream_name":"S","config":{},"action":"create"}"#;
        assert_eq!(request.body(Some((2, 9))), old);
        assert_eq!(request.body(Some((2, 10))), current);
        assert_eq!(request.body(None), current);
    }

    #[test]
    fn versions() {
        let of = |json: &str| version(&ServerInfo::parse(json.as_bytes()).unwrap());
        assert_eq!(of(r#"{"version":"2.11.1-binary"}"#), Some((2, 11)));
        assert_eq!(of(r#"{"version":"3"}"#), None);
        assert_eq!(of(r#"{"version":"dev"}"#), None);
        assert_eq!(of("{}"), None);
    }
}
