//! The options of a connection: `configure`, `cget`, `reset`.

use std::rc::Rc;

use super::{Connection, route, tls};
use crate::client::inbox::DEFAULT_INBOX_PREFIX;
use crate::client::pool::PoolError;
use crate::client::settings::Options;
use crate::client::status::Status;
use crate::client::url::ServerUrl;
use crate::commands::advice;
use crate::commands::options::{Kind, Spec, gives, invalid, is_true, parse, spec, to_count, to_integer};
use crate::mailbox::Bound;
use crate::protocol::subject::check_publish;
use crate::tcl::{Call, Error, Interp, Obj, Reply, Result};

/// Every option in the order in which faults are reported.
const OPTIONS: &[Spec] = &[
    spec("servers", Kind::ValidStr),
    spec("name", Kind::ValidStr),
    spec("pedantic", Kind::Bool),
    spec("verbose", Kind::Bool),
    spec("randomize", Kind::Bool),
    spec("connect_timeout", Kind::Timeout),
    spec("reconnect_time_wait", Kind::Timeout),
    spec("custom_reconnect_delay", Kind::Str),
    spec("max_reconnect_attempts", Kind::Int),
    spec("ping_interval", Kind::Timeout),
    spec("max_outstanding_pings", Kind::PosInt),
    spec("echo", Kind::Bool),
    spec("tls_opts", Kind::Dict),
    spec("user", Kind::Str),
    spec("password", Kind::Str),
    spec("token", Kind::Str),
    spec("secure", Kind::Bool),
    spec("check_subjects", Kind::Bool),
    spec("dictmsg", Kind::Bool),
    spec("utf8_convert", Kind::Bool),
    spec("request_timeout", Kind::Timeout),
    spec("reconnect_jitter", Kind::Timeout),
    spec("pending_bytes", Kind::PosInt),
    spec("pending_msgs", Kind::PosInt),
    spec("outbox_size", Kind::PosInt),
    spec("reconnect_buf_size", Kind::PosInt),
    spec("flush_timeout", Kind::Timeout),
    spec("inbox_prefix", Kind::ValidStr),
    spec("retry_on_initial_connect", Kind::Bool),
    spec("ignore_discovered_servers", Kind::Bool),
    spec("auth_error_limit", Kind::PosInt),
    spec("event_callback", Kind::Str),
    spec("tls_first", Kind::Bool),
    spec("credentials", Kind::Str),
    spec("nkey_seed", Kind::Str),
    spec("jwt", Kind::Str),
    spec("signature_callback", Kind::Str),
    spec("auth_callback", Kind::Str),
    spec("ws_headers", Kind::Str),
    spec("proxy_url", Kind::Str),
];

/// The options from which the login is read anew for each attempt.
const IDENTITY_SOURCES: [&str; 4] = ["auth_callback", "credentials", "nkey_seed", "jwt"];

/// The same for a call that gives every option, as `configure` lists them: a copied configuration
/// may hold the empty values of what was never set.
const WHOLE: &[Spec] = &{
    let mut specs = [OPTIONS[0]; OPTIONS.len()];
    let mut index = 0;
    while index < OPTIONS.len() {
        specs[index] = OPTIONS[index];
        if matches!(specs[index].kind, Kind::ValidStr) {
            specs[index].kind = Kind::Str;
        }
        index += 1;
    }
    specs
};

/// The value of an option before it is configured, and after `reset`.
fn default_of(option: &str) -> &'static str {
    match option {
        "pedantic"
        | "verbose"
        | "secure"
        | "dictmsg"
        | "utf8_convert"
        | "retry_on_initial_connect"
        | "ignore_discovered_servers"
        | "tls_first" => "false",
        "randomize" | "echo" | "check_subjects" => "true",
        "connect_timeout" | "reconnect_time_wait" | "flush_timeout" => "2000",
        "max_reconnect_attempts" => "60",
        "ping_interval" => "120000",
        "max_outstanding_pings" => "2",
        "request_timeout" => "10000",
        "reconnect_jitter" => "100",
        "pending_bytes" => "67108864",
        "pending_msgs" => "524288",
        "outbox_size" => "16777216",
        "reconnect_buf_size" => "67108864",
        "inbox_prefix" => DEFAULT_INBOX_PREFIX,
        "auth_error_limit" => "0",
        _ => "",
    }
}

/// The values as `cget` returns them, in the order of the table.
pub struct Config {
    values: Vec<Obj>,
}

impl Config {
    pub fn new(name: &str) -> Config {
        let values = OPTIONS
            .iter()
            .map(|spec| Obj::text(default_of(spec.name)))
            .collect();
        let mut config = Config { values };
        config.set("name", Obj::text(name));
        config
    }

    pub fn get(&self, option: &str) -> Option<&Obj> {
        let index = OPTIONS.iter().position(|spec| spec.name == option)?;
        Some(&self.values[index])
    }

    fn set(&mut self, option: &str, value: Obj) {
        if let Some(index) = OPTIONS.iter().position(|spec| spec.name == option) {
            self.values[index] = value;
        }
    }

    pub fn bool(&self, option: &str) -> bool {
        self.get(option).is_some_and(is_true)
    }

    pub fn count(&self, option: &str) -> u64 {
        self.get(option).and_then(to_count).unwrap_or(0)
    }

    pub fn is_set(&self, option: &str) -> bool {
        self.get(option)
            .is_some_and(|value| !value.modified_utf8().is_empty())
    }

    fn text(&self, option: &str) -> String {
        self.get(option)
            .map(|value| value.to_text().into_owned())
            .unwrap_or_default()
    }

    fn size(&self, option: &str) -> usize {
        usize::try_from(self.count(option)).unwrap_or(usize::MAX)
    }

    /// What the engine acts upon.
    fn engine_options(&self, interp: &Interp) -> Options {
        let given = |option| self.get(option).cloned().unwrap_or_else(Obj::empty);
        Options {
            name: self.text("name"),
            pedantic: self.bool("pedantic"),
            verbose: self.bool("verbose"),
            echo: self.bool("echo"),
            user: self.text("user"),
            password: self.text("password"),
            token: self.text("token"),
            ask_identity: IDENTITY_SOURCES.iter().any(|option| self.is_set(option)),
            ask_signature: self.is_set("signature_callback"),
            secure: self.bool("secure"),
            tls_first: self.bool("tls_first"),
            tls: self
                .get("tls_opts")
                .and_then(|dict| tls::parse(interp, dict).ok())
                .unwrap_or_default(),
            // Both were checked when they were set.
            ws_headers: route::ws_headers(interp, &given("ws_headers")).unwrap_or_default(),
            proxy: route::proxy(&given("proxy_url")).unwrap_or_default(),
            connect_timeout: self.count("connect_timeout"),
            reconnect_time_wait: self.count("reconnect_time_wait"),
            ask_delay: self.is_set("custom_reconnect_delay"),
            reconnect_jitter: self.count("reconnect_jitter"),
            max_reconnect_attempts: self
                .get("max_reconnect_attempts")
                .and_then(to_integer)
                .unwrap_or(60),
            ping_interval: self.count("ping_interval"),
            max_outstanding_pings: self.count("max_outstanding_pings"),
            outbox_size: self.size("outbox_size"),
            reconnect_buf_size: self.size("reconnect_buf_size"),
            flush_timeout: self.count("flush_timeout"),
            inbox_prefix: self.text("inbox_prefix"),
            retry_on_initial_connect: self.bool("retry_on_initial_connect"),
            ignore_discovered_servers: self.bool("ignore_discovered_servers"),
            auth_error_limit: self.count("auth_error_limit"),
        }
    }
}

impl Connection {
    /// Makes the stored options effective.
    pub(super) fn apply_config(&self) {
        let config = self.config.borrow();
        *self
            .settings
            .options
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = config.engine_options(&self.interp);
        let bound = Bound {
            items: config.size("pending_msgs").max(1),
            bytes: config.size("pending_bytes").max(1),
        };
        self.mailbox.set_bound(bound);
        self.check_subjects.set(config.bool("check_subjects"));
        self.utf8.set(config.bool("utf8_convert"));
        self.dictmsg.set(config.bool("dictmsg"));
        self.request_timeout.set(config.count("request_timeout"));
    }
}

pub fn cget(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [option] = call.args() else {
        return Err(call.wrong_args(c"option"));
    };
    value_of(connection, option)
}

fn value_of(connection: &Connection, option: &Obj) -> Result<Reply> {
    let text = option.to_text();
    let name = text.trim_start_matches('-');
    if name == "status" {
        return Ok(Reply::Value(Obj::text(connection.status.get().as_str())));
    }
    match connection.config.borrow().get(name) {
        Some(value) => Ok(Reply::Value(value.clone())),
        None => Err(no_such_option(&text)),
    }
}

fn no_such_option(text: &str) -> Error {
    invalid(format!("Invalid option {text}")).advised(advice::options(OPTIONS.iter().map(|spec| spec.name)))
}

pub fn configure(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    match call.args() {
        [] => {
            let config = connection.config.borrow();
            let pairs = OPTIONS.iter().zip(&config.values);
            let words: Vec<Obj> = pairs
                .flat_map(|(spec, value)| [Obj::text(spec.name), value.clone()])
                .collect();
            Ok(Reply::Value(Obj::list(&words)))
        }
        [option] => value_of(connection, option),
        pairs => {
            set(connection, pairs)?;
            Ok(Reply::Empty)
        }
    }
}

/// Checks everything, then applies everything.
fn set(connection: &Connection, pairs: &[Obj]) -> Result {
    let is_whole = OPTIONS.iter().all(|spec| gives(pairs, spec.name));
    let values = parse(pairs, if is_whole { WHOLE } else { OPTIONS })?;
    if let Some(prefix) = values.get("inbox_prefix") {
        check_inbox_prefix(prefix)?;
    }
    if let Some(options) = values.get("tls_opts") {
        tls::parse(&connection.interp, options)?;
    }
    if let Some(headers) = values.get("ws_headers") {
        route::ws_headers(&connection.interp, headers)?;
    }
    if let Some(url) = values.get("proxy_url") {
        route::proxy(url)?;
    }
    if let Some(servers) = values.get("servers") {
        refuse_unless_closed(connection)?;
        let randomize = values
            .bool("randomize")
            .unwrap_or_else(|| connection.config.borrow().bool("randomize"));
        let urls = servers
            .elements(&connection.interp)
            .map_err(|_| invalid_url(&servers.to_text()))?;
        let urls: Vec<String> = urls.iter().map(|url| url.to_text().into_owned()).collect();
        connection
            .pool()
            .configure(&urls, randomize)
            .map_err(|error| match error {
                PoolError::InvalidUrl(url) => invalid_url(&url),
                PoolError::Mixed => invalid(
                    "Invalid -servers: ws:// and wss:// URLs cannot stand in one list with nats:// and tls:// URLs",
                ),
            })?;
    }
    for (name, value) in values.given() {
        connection.config.borrow_mut().set(name, value.clone());
    }
    connection.apply_config();
    Ok(())
}

/// A prefix must make subjects that every server and every option of ours accepts.
fn check_inbox_prefix(prefix: &Obj) -> Result {
    let text = prefix.to_text();
    if text.is_ascii() && check_publish(&text, true).is_ok() {
        return Ok(());
    }
    Err(invalid(format!("Invalid -inbox_prefix {text}")))
}

fn invalid_url(text: &str) -> crate::tcl::Error {
    invalid(format!("Invalid URL {}", ServerUrl::redacted(text)))
}

fn refuse_unless_closed(connection: &Connection) -> Result {
    if connection.status.get() == Status::Closed {
        return Ok(());
    }
    Err(invalid("Cannot configure servers when already connected"))
}

pub fn reset(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let mut names = Vec::new();
    for option in call.args() {
        let text = option.to_text();
        let name = text.trim_start_matches('-').to_owned();
        if connection.config.borrow().get(&name).is_none() {
            return Err(no_such_option(&text));
        }
        names.push(name);
    }
    if names.iter().any(|name| name == "servers") {
        refuse_unless_closed(connection)?;
        connection.pool().clear();
    }
    for name in names {
        connection
            .config
            .borrow_mut()
            .set(&name, Obj::text(default_of(&name)));
    }
    connection.apply_config();
    Ok(Reply::Empty)
}
