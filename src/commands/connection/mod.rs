//! The class `nats::connection`.
//!
//! A [`Connection`] is the interpreter's side of a connection: callbacks, options, and the state
//! that scripts see. The engine's side is a [`Client`], one for each life from `connect` to
//! `closed`; what it tells arrives in the mailbox and takes effect in [`dispatch`], one event of
//! the event loop each.

pub mod command_request;
mod configure;
mod dispatch;
mod drain;
mod files;
mod info;
mod lifecycle;
mod log;
mod login;
mod notify;
pub mod operations;
mod ping;
pub mod publish;
pub mod request;
mod route;
pub mod subscribe;
mod tls;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use crate::client::Client;
use crate::client::error::ConnectionError;
use crate::client::event::{Event, LogLevel};
use crate::client::pool::ServerPool;
use crate::client::settings::Settings;
use crate::client::status::Status;
use crate::mailbox::{self, Bound, Receiver};
use crate::sync::{MutexGuard, lock};
use crate::tcl::class::{Birth, Constructor, Destructor, Instance, Metadata, Method, equip};
use crate::tcl::notifier::{self, Waker};
use crate::tcl::{Call, Error, Interp, Obj, Reply, Result, Work};

use self::configure::Config;
use self::drain::Drain;
use self::log::Log;
use self::operations::Operation;
use self::ping::Asked;
use self::request::Pending;
use self::subscribe::{LatestCallback, Subscription};
use super::advice;
use super::children::Children;
use super::message::Keys;
use super::promise::Promise;

static METADATA: Metadata<Connection> = Metadata::new(c"nats::connection");
static CONSTRUCTOR: Constructor<Connection> = Constructor::new(construct);
static DESTRUCTOR: Destructor<Connection> = Destructor::new(lifecycle::destroy);
static METHODS: &[Method<Connection>] = &[
    Method::public(c"all_servers", info::all_servers),
    Method::public(c"cancel_request", request::cancel_request),
    Method::public(c"cget", configure::cget),
    Method::public(c"configure", configure::configure),
    Method::public(c"connect", lifecycle::connect),
    Method::public(c"current_server", info::current_server),
    Method::public(c"disconnect", lifecycle::disconnect),
    Method::public(c"drain", drain::drain),
    Method::public(c"flush", ping::flush),
    Method::public(c"force_reconnect", lifecycle::force_reconnect),
    Method::public(c"inbox", info::inbox),
    Method::public(c"ping", ping::ping),
    Method::public(c"publish", publish::publish),
    Method::public(c"publish_msg", publish::publish_msg),
    Method::public(c"releaseRef", lifecycle::release_ref),
    Method::public(c"request", request::request),
    Method::public(c"request_msg", request::request_msg),
    Method::public(c"reset", configure::reset),
    Method::public(c"rtt", ping::rtt),
    Method::public(c"server_info", info::server_info),
    Method::public(c"stats", info::stats),
    Method::public(c"sub_info", subscribe::sub_info),
    Method::public(c"subscribe", subscribe::subscribe),
    Method::public(c"unsubscribe", subscribe::unsubscribe),
];

/// Gives the class its native parts.
pub fn define(interp: &Interp) -> Result {
    equip(interp, "::nats::connection", &CONSTRUCTOR, &DESTRUCTOR, METHODS)
}

pub struct Connection {
    /// Itself, for steps that come after scripts (see [`Connection::then`]).
    this: Weak<Connection>,
    interp: Interp,
    /// The public variables' full names.
    variables: Variables,
    keys: Keys,
    log: Log,
    settings: Arc<Settings>,
    config: RefCell<Config>,
    mailbox: Receiver<Event>,
    waker: Arc<OnceLock<Waker>>,
    /// The engine's side while not closed.
    life: RefCell<Option<Client>>,
    /// The state that was dispatched last, as the public variables show it.
    status: Cell<Status>,
    last_error: RefCell<Option<ConnectionError>>,
    server_info: RefCell<info::Fields>,
    subscriptions: RefCell<BTreeMap<u64, Subscription>>,
    latest_callback: LatestCallback,
    requests: RefCell<BTreeMap<u64, Pending>>,
    operations: RefCell<BTreeMap<u64, Operation>>,
    next_operation: Cell<u64>,
    pings: RefCell<BTreeMap<u64, Asked>>,
    /// The objects that go with this one.
    pub children: Rc<Children>,
    next_ping: Cell<u64>,
    draining: RefCell<Option<Drain>>,
    /// Whether this life has dispatched a connection.
    was_connected: Cell<bool>,
    /// Calls of `connect` that wait for the first round of attempts.
    connecting: RefCell<Vec<Promise>>,
    /// Copies of options that messages and requests ask for.
    check_subjects: Cell<bool>,
    utf8: Cell<bool>,
    dictmsg: Cell<bool>,
    /// In milliseconds.
    request_timeout: Cell<u64>,
}

struct Variables {
    status: Obj,
    last_error: Obj,
    server_info: Obj,
}

/// Pings have ids of their own, apart from requests.
const FIRST_PING: u64 = 1 << 62;

fn construct(birth: &Birth, call: &Call) -> Result<(Rc<Connection>, Reply)> {
    let name = call
        .args()
        .first()
        .map(|name| name.to_text().into_owned())
        .unwrap_or_default();
    let tail = birth.name.rsplit("::").next().unwrap_or_default();
    let log = Log::new(
        call.args().get(1..).unwrap_or_default(),
        if name.is_empty() { tail } else { &name },
    )?;
    log.define_commands(birth.interp, &birth.namespace)?;
    let waker: Arc<OnceLock<Waker>> = Arc::default();
    let wake = {
        let waker = waker.clone();
        Box::new(move || {
            if let Some(waker) = waker.get() {
                waker.wake();
            }
        })
    };
    let variable = |name: &str| Obj::text(&format!("{}::{name}", birth.namespace));
    let variables = Variables {
        status: variable("status"),
        last_error: variable("last_error"),
        server_info: variable("serverInfo"),
    };
    let connection = Rc::new_cyclic(|this| Connection {
        this: this.clone(),
        interp: birth.interp.clone(),
        variables,
        keys: Keys::new(),
        log,
        settings: Arc::default(),
        config: RefCell::new(Config::new(&name)),
        mailbox: mailbox::mailbox(
            Bound {
                items: usize::MAX,
                bytes: usize::MAX,
            },
            wake,
        ),
        waker,
        life: RefCell::default(),
        status: Cell::new(Status::Closed),
        last_error: RefCell::default(),
        server_info: RefCell::default(),
        subscriptions: RefCell::default(),
        latest_callback: LatestCallback::default(),
        requests: RefCell::default(),
        operations: RefCell::default(),
        next_operation: Cell::new(1),
        pings: RefCell::default(),
        children: Children::new(birth.interp),
        next_ping: Cell::new(FIRST_PING),
        draining: RefCell::default(),
        was_connected: Cell::new(false),
        connecting: RefCell::default(),
        check_subjects: Cell::new(true),
        utf8: Cell::new(false),
        dictmsg: Cell::new(false),
        request_timeout: Cell::new(0),
    });
    connection.apply_config();
    let added = notifier::add(connection.clone());
    connection.waker.get_or_init(|| added);
    let interp = &connection.interp;
    let work = Work::Many(vec![
        connection.set_status(Status::Closed),
        connection.set_last_error(None),
        Work::Array {
            interp: interp.clone(),
            name: connection.variables.server_info.clone(),
        },
    ]);
    Ok((connection, Reply::Then(work, Box::new(Reply::Empty))))
}

impl Instance for Connection {
    fn metadata() -> &'static Metadata<Connection> {
        &METADATA
    }

    fn interp(&self) -> &Interp {
        &self.interp
    }

    fn deleted(&self) {
        if let Some(waker) = self.waker.get() {
            notifier::remove(waker);
        }
        if let Some(line) = self.end_silently() {
            notifier::post(Box::new(move || line));
        }
    }
}

impl Connection {
    /// The engine's side, or the error of a method that needs it.
    pub fn client(&self) -> Result<Client> {
        let client = self.life.borrow().clone();
        client.ok_or_else(not_connected)
    }

    /// The option `-check_subjects`.
    pub fn checks_subjects(&self) -> bool {
        self.check_subjects.get()
    }

    /// The option `-utf8_convert`.
    pub fn converts_utf8(&self) -> bool {
        self.utf8.get()
    }

    fn pool(&self) -> MutexGuard<'_, ServerPool> {
        lock(&self.settings.pool)
    }

    /// A step that is decided on when its turn comes: the scripts of the steps before it may have
    /// changed everything, or destroyed the object; then there is nothing to do.
    fn then(&self, step: impl FnOnce(&Connection) -> Work + 'static) -> Work {
        let this = self.this.clone();
        let find = move || match this.upgrade() {
            Some(connection) => step(&connection),
            None => Work::none(),
        };
        Work::Later {
            interp: self.interp.clone(),
            find: Box::new(find),
        }
    }

    /// Makes a state the one that scripts see.
    fn set_status(&self, status: Status) -> Work {
        self.status.set(status);
        self.write(&self.variables.status, Obj::text(status.as_str()))
    }

    fn set_last_error(&self, error: Option<ConnectionError>) -> Work {
        let value = match &error {
            None => Obj::empty(),
            Some(error) => Obj::record(&notify::error_fields(Some(error))),
        };
        *self.last_error.borrow_mut() = error;
        self.write(&self.variables.last_error, value)
    }

    fn write(&self, variable: &Obj, value: Obj) -> Work {
        Work::Set {
            interp: self.interp.clone(),
            name: variable.clone(),
            element: None,
            value,
        }
    }

    /// A log line of now, if its level is wanted.
    pub fn log(&self, level: LogLevel, text: &str) -> Option<Work> {
        self.log.line(&self.interp, level, SystemTime::now(), text)
    }
}

pub fn not_connected() -> Error {
    advice::for_code(Error::nats("ErrConnectionClosed", "No connection to NATS server"))
}
