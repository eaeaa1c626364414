//! From the options of an ordered consumer to what it delivers.

use std::time::Duration;

use serde_json::{Map, Value};

use super::fields::Given;
use crate::commands::options::{invalid, invalid_value};
use crate::jetstream::ordered_config::{Deliver, Settings};
use crate::tcl::{Error, Interp, Result};

/// What the options of [`ordered_consumer`](super::ordered_consumer) ask for.
pub fn settings(interp: &Interp, stream: String, given: &Given) -> Result<Settings> {
    let config = config(interp, given)?;
    let text = |name: &str| config.get(name).and_then(Value::as_str).map(str::to_owned);
    let filters = match (text("filter_subject"), config.get("filter_subjects")) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "-filter_subject and -filter_subjects are mutually exclusive",
            ));
        }
        (Some(filter), None) => vec![filter],
        (None, Some(Value::Array(filters))) => {
            let filters = filters.iter().filter_map(Value::as_str);
            filters.map(str::to_owned).collect()
        }
        (None, _) => Vec::new(),
    };
    Ok(Settings {
        stream,
        description: text("description"),
        deliver: deliver(&config)?,
        filters,
        headers_only: config.get("headers_only").and_then(Value::as_bool),
        idle_heartbeat: idle_heartbeat(given, &config)?,
    })
}

fn deliver(config: &Map<String, Value>) -> Result<Deliver> {
    let text = |name: &str| config.get(name).and_then(Value::as_str);
    let missing = |option: &str| invalid(format!("Option {option} is required"));
    Ok(match text("deliver_policy").unwrap_or("all") {
        "last" => Deliver::Last,
        "new" => Deliver::New,
        "last_per_subject" => Deliver::LastPerSubject,
        "by_start_sequence" => {
            let sequence = config.get("opt_start_seq").and_then(Value::as_u64);
            Deliver::BySequence(sequence.ok_or_else(|| missing("opt_start_seq"))?)
        }
        "by_start_time" => {
            let time = text("opt_start_time").ok_or_else(|| missing("opt_start_time"))?;
            Deliver::ByTime(time.to_owned())
        }
        _ => Deliver::All,
    })
}

/// The options as JSON; all checks are those of a configuration.
pub fn config(interp: &Interp, given: &Given) -> Result<Map<String, Value>> {
    serde_json::from_str(&given.json(interp)?).map_err(|error| Error::nats("ErrInternal", error.to_string()))
}

/// The option `idle_heartbeat`, which must not be 0.
pub fn idle_heartbeat(given: &Given, config: &Map<String, Value>) -> Result<Duration> {
    let heartbeat = config.get("idle_heartbeat").and_then(Value::as_u64);
    match heartbeat.filter(|&ns| ns > 0) {
        Some(ns) => Ok(Duration::from_nanos(ns)),
        None => {
            let value = given.text("idle_heartbeat").unwrap_or_default();
            Err(invalid_value("ns", "idle_heartbeat", &value))
        }
    }
}
