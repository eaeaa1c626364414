//! What an ordered consumer is to deliver, and the consumer on the server that does.

use std::time::Duration;

use serde_json::{Map, Value};

/// What to deliver.
#[derive(Debug, Clone)]
pub struct Settings {
    pub stream: String,
    pub description: Option<String>,
    pub deliver: Deliver,
    /// Subjects, which may hold wildcards; all if there are none. Several need a server of 2.10.
    pub filters: Vec<String>,
    pub headers_only: Option<bool>,
    /// After so long a silence the server gives a sign of life. Not zero.
    pub idle_heartbeat: Duration,
}

/// With which message it begins.
#[derive(Debug, Clone)]
pub enum Deliver {
    All,
    Last,
    New,
    LastPerSubject,
    /// This one of the stream, or the next one if that is gone.
    BySequence(u64),
    /// The first one since this time, RFC 3339.
    ByTime(String),
}

/// The server never expects acknowledgements, so no message comes twice for the lack of one.
const ACK_WAIT: Duration = Duration::from_secs(22 * 3600);
/// The server forgets a consumer that nobody has listened to for so long.
const INACTIVE_THRESHOLD: Duration = Duration::from_secs(2);

impl Settings {
    /// The configuration of a consumer that delivers to `inbox`, from `start` on if that is given.
    pub(super) fn consumer(&self, inbox: &str, start: Option<u64>) -> String {
        let resumed = start.map(Deliver::BySequence);
        let deliver = resumed.as_ref().unwrap_or(&self.deliver);
        let mut config = Map::new();
        let mut set = |name: &str, value: Value| {
            config.insert(name.to_owned(), value);
        };
        if let Some(description) = &self.description {
            set("description", description.as_str().into());
        }
        set("deliver_policy", deliver.policy().into());
        match deliver {
            Deliver::BySequence(sequence) => set("opt_start_seq", (*sequence).into()),
            Deliver::ByTime(time) => set("opt_start_time", time.as_str().into()),
            _ => {}
        }
        set("ack_policy", "none".into());
        set("ack_wait", nanoseconds(ACK_WAIT));
        set("max_deliver", 1.into());
        match self.filters.as_slice() {
            // The server wants to hear which subjects it is about.
            [] if matches!(deliver, Deliver::LastPerSubject) => set("filter_subject", ">".into()),
            [filter] => set("filter_subject", filter.as_str().into()),
            _ => {}
        }
        set("replay_policy", "instant".into());
        set("flow_control", true.into());
        set("idle_heartbeat", nanoseconds(self.idle_heartbeat));
        if let Some(headers_only) = self.headers_only {
            set("headers_only", headers_only.into());
        }
        set("deliver_subject", inbox.into());
        set("inactive_threshold", nanoseconds(INACTIVE_THRESHOLD));
        set("num_replicas", 1.into());
        set("mem_storage", true.into());
        if self.filters.len() > 1 {
            set("filter_subjects", self.filters.clone().into());
        }
        Value::Object(config).to_string()
    }
}

impl Deliver {
    fn policy(&self) -> &'static str {
        match self {
            Deliver::All => "all",
            Deliver::Last => "last",
            Deliver::New => "new",
            Deliver::LastPerSubject => "last_per_subject",
            Deliver::BySequence(_) => "by_start_sequence",
            Deliver::ByTime(_) => "by_start_time",
        }
    }
}

fn nanoseconds(duration: Duration) -> Value {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(deliver: Deliver, filters: &[&str]) -> Settings {
        Settings {
            stream: "S".to_owned(),
            description: None,
            deliver,
            filters: filters.iter().map(|&filter| filter.to_owned()).collect(),
            headers_only: None,
            idle_heartbeat: Duration::from_millis(1500),
        }
    }

    fn field(settings: &Settings, start: Option<u64>, name: &str) -> Value {
        let config = settings.consumer("in", start);
        serde_json::from_str::<Value>(&config).unwrap()[name].take()
    }

    #[test]
    fn the_whole_consumer() {
        let settings = Settings {
            description: Some("d".to_owned()),
            headers_only: Some(true),
            ..settings(Deliver::New, &["a.>"])
        };
        assert_eq!(
            settings.consumer("in", None),
            concat!(
                r#"{"description":"d","deliver_policy":"new","ack_policy":"none","ack_wait":79200000000000,"#,
                r#""max_deliver":1,"filter_subject":"a.>","replay_policy":"instant","flow_control":true,"#,
                r#""idle_heartbeat":1500000000,"headers_only":true,"deliver_subject":"in","#,
                r#""inactive_threshold":2000000000,"num_replicas":1,"mem_storage":true}"#
            )
        );
    }

    #[test]
    fn a_start_takes_the_place_of_the_wish() {
        let settings = settings(Deliver::ByTime("2026-01-01T00:00:00Z".to_owned()), &[]);
        assert_eq!(field(&settings, None, "opt_start_time"), "2026-01-01T00:00:00Z");
        assert_eq!(field(&settings, Some(7), "deliver_policy"), "by_start_sequence");
        assert_eq!(field(&settings, Some(7), "opt_start_seq"), 7);
        assert_eq!(field(&settings, Some(7), "opt_start_time"), Value::Null);
    }

    #[test]
    fn filters() {
        let none = settings(Deliver::All, &[]);
        assert_eq!(field(&none, None, "filter_subject"), Value::Null);
        let last = settings(Deliver::LastPerSubject, &[]);
        assert_eq!(field(&last, None, "filter_subject"), ">");
        let two = settings(Deliver::All, &["a", "b"]);
        assert_eq!(field(&two, None, "filter_subject"), Value::Null);
        assert_eq!(field(&two, None, "filter_subjects").to_string(), r#"["a","b"]"#);
    }
}
