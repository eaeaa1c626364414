//! What can be done about the errors that users meet first.
//!
//! It stands in the trace below the message (`tcl::Error::advised`): messages and codes are what scripts
//! match on. `docs/errors.md` lists these errors, `tests/first_errors.test` holds the page to them.

use super::options::invalid;
use crate::tcl::Error;

pub const NO_SERVERS: &str = "name servers first: $conn configure -servers nats://localhost:4222";
pub const NO_BUCKET: &str = "$js kv_buckets lists the buckets, $js create_kv_bucket makes one";

/// By error codes, the words behind `NATS`.
const ADVICE: [(&str, &str); 12] = [
    (
        "ErrConnectionRefused",
        "is a server running there, and is that its port? see -servers",
    ),
    (
        "ErrNoServers",
        "is one of -servers running? the variable last_error tells what the last one said",
    ),
    (
        "ErrConnectionTimeout",
        "is that the host, and the port for clients, of a NATS server? see -servers and -connect_timeout",
    ),
    (
        "ErrProtocol",
        "is that the port for clients of a NATS server? see -servers",
    ),
    (
        "ErrAuthorization",
        "see -user and -password, -token, -credentials and -nkey_seed, or the login in the URL",
    ),
    (
        "ErrSecureConnWanted",
        "name a server with TLS, or leave out tls:// and -secure",
    ),
    (
        "ErrConnectionClosed",
        "$conn connect comes first; $conn cget -status tells the state",
    ),
    (
        "ErrNoResponders",
        "is somebody subscribed to this subject, or is there a stream for it?",
    ),
    (
        "ErrStreamNotFound",
        "$js stream_names lists the streams, $js add_stream makes one",
    ),
    (
        "ErrConsumerNotFound",
        "$js consumer_names lists the consumers, $js add_pull_consumer makes one",
    ),
    (
        "ErrJetStreamNotEnabled",
        "start the server with -js, or see -domain",
    ),
    (
        "ErrJetStreamNotEnabledForAccount",
        "JetStream must be enabled for the account that you log in to",
    ),
];

/// The error with the advice for its code, if there is some.
pub fn for_code(error: Error) -> Error {
    match advice(&error) {
        Some(advice) => error.advised(advice),
        None => error,
    }
}

/// The same for an answer of the server, which names nothing: the request does.
pub fn for_answer(error: Error, asked: Option<&str>) -> Error {
    let error = match asked {
        Some(subject) => error.advised(format!("the server's answer to {subject}")),
        None => error,
    };
    for_code(error)
}

/// The complaint about an option that there is not.
pub fn unknown_option(name: &str, known: impl IntoIterator<Item = &'static str>) -> Error {
    invalid(format!("Unknown option {name}")).advised(options(known))
}

/// What a wrong name of an option should have been.
pub fn options(known: impl IntoIterator<Item = &'static str>) -> String {
    let mut names: Vec<String> = known.into_iter().map(|name| format!("-{name}")).collect();
    names.sort_unstable();
    match names.split_last() {
        Some((last, [])) => format!("must be {last}"),
        Some((last, others)) => format!("must be {} or {last}", others.join(", ")),
        None => "there are no options".to_owned(),
    }
}

fn advice(error: &Error) -> Option<&'static str> {
    let code = match error {
        Error::Nats { code, .. } => code,
        Error::Tcl { code, .. } => code.get(1)?.as_str(),
        Error::Advised { error, .. } => return advice(error),
        Error::Raised { .. } => return None,
    };
    let found = ADVICE.iter().find(|(known, _)| *known == code);
    found.map(|(_, advice)| *advice)
}
