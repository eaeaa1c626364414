//! The class `nats::pull_request`: a fetch that goes on in the background.
//!
//! The object's name is the fetch ID. It lives until the request is over or cancelled, no matter
//! what becomes of the `jet_stream` object that started it.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use super::JetStream;
use super::fetch::Fetch;
use crate::client::background::Outlet;
use crate::commands::connection::Connection;
use crate::commands::connection::operations::{End, Handler};
use crate::commands::connection::request::Ending;
use crate::commands::connection::subscribe::Callback;
use crate::commands::options::invalid;
use crate::jetstream::pull::{Pull, Pulled};
use crate::tcl::class::{Birth, Constructor, Destructor, Instance, Metadata, equip, find};
use crate::tcl::{Call, Interp, Obj, Reply, Result, Work, notifier};

static METADATA: Metadata<PullRequest> = Metadata::new(c"nats::pull_request");
static CONSTRUCTOR: Constructor<PullRequest> = Constructor::new(construct);
static DESTRUCTOR: Destructor<PullRequest> = Destructor::new(destroy);

/// Messages that are handed over at once, at most.
const HANDFUL: usize = 256;

/// Gives the class its native parts.
pub fn define(interp: &Interp) -> Result {
    equip(interp, "::nats::pull_request", &CONSTRUCTOR, &DESTRUCTOR, &[])
}

pub struct PullRequest {
    interp: Interp,
    namespace: String,
    connection: Rc<Connection>,
    /// The subscription of its inbox.
    sid: u64,
    /// Nothing is to be ended any more.
    over: Cell<bool>,
}

/// `nats::pull_request new jetStream stream consumer ?option value …?`, of which the option
/// `callback` is required.
fn construct(birth: &Birth, call: &Call) -> Result<(Rc<PullRequest>, Reply)> {
    let Some((jet_stream, words)) = call.args().split_first() else {
        return Err(call.wrong_args(c"jetStream stream consumer ?args?"));
    };
    let jet_stream = find::<JetStream>(birth.interp, jet_stream)?;
    let mut fetch = Fetch::read(&jet_stream, words)?;
    let Some(callback) = fetch.callback.take() else {
        return Err(invalid("Option callback is required"));
    };
    let connection = jet_stream.connection.clone();
    let pull = fetch.send(&jet_stream, connection.client()?, "Async")?;
    let object = Rc::new(PullRequest {
        interp: birth.interp.clone(),
        namespace: birth.namespace.clone(),
        connection: connection.clone(),
        sid: pull.sid(),
        over: Cell::new(false),
    });
    let fetching = Fetching {
        object: Rc::downgrade(&object),
        callback,
    };
    connection.open(|_, outlet| hand_over(pull, outlet), fetching)?;
    Ok((object, Reply::Empty))
}

fn destroy(pull_request: &Rc<PullRequest>) -> Work {
    pull_request.cancel();
    Work::none()
}

impl Instance for PullRequest {
    fn metadata() -> &'static Metadata<PullRequest> {
        &METADATA
    }

    fn interp(&self) -> &Interp {
        &self.interp
    }

    fn deleted(&self) {
        self.cancel();
    }
}

pub fn cancel_pull_request(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [id] = call.args() else {
        return Err(call.wrong_args(c"fetchID"));
    };
    let found = find::<PullRequest>(call.interp, id).ok();
    let live = found
        .filter(|request| !request.over.get() && Rc::ptr_eq(&request.connection, &jet_stream.connection));
    let Some(request) = live else {
        return Err(invalid(format!("Invalid fetch ID {}", id.to_text())));
    };
    Ok(Reply::Then(request.end(), Box::new(Reply::Empty)))
}

impl PullRequest {
    /// Ends the request, if it is not over. What has come already still reaches the callback.
    fn cancel(&self) {
        if self.over.replace(true) {
            return;
        }
        if let Ok(client) = self.connection.client() {
            client.stop_listening(self.sid);
        }
    }

    /// Destroys the object, unless that was done meanwhile.
    fn end(self: &Rc<Self>) -> Work {
        self.cancel();
        let object = Rc::downgrade(self);
        let find = move || match object.upgrade() {
            Some(object) => Work::Call {
                interp: object.interp.clone(),
                words: vec![
                    Obj::text(&format!("{}::my", object.namespace)),
                    Obj::text("destroy"),
                ],
            },
            None => Work::none(),
        };
        Work::Later {
            interp: self.interp.clone(),
            find: Box::new(find),
        }
    }
}

/// Passes on what a pull request brings.
async fn hand_over(mut pull: Pull, outlet: Outlet<Pulled>) {
    while let Some(first) = pull.next().await {
        let mut handful = vec![first];
        while handful.len() < HANDFUL
            && let Some(next) = pull.next_now()
        {
            handful.push(next);
        }
        outlet.send_all(handful.into_iter().map(|pulled| {
            let weight = pulled.weight();
            (pulled, weight)
        }));
    }
}

/// Calls the callback for what comes.
struct Fetching {
    object: Weak<PullRequest>,
    callback: Callback,
}

impl Handler<Pulled> for Fetching {
    fn item(&self, connection: &Connection, id: u64, pulled: Pulled) -> Option<Work> {
        if let Pulled::Message { message, last: false } = &pulled {
            return Some(self.call(connection, 0, connection.content(message, true)));
        }
        connection.close_operation(id);
        let object = self.object.upgrade().filter(|object| !object.over.get());
        let cancelled = object.is_none();
        let call = match &pulled {
            Pulled::Message { message, .. } => {
                Some(self.call(connection, 0, connection.content(message, true)))
            }
            _ if cancelled => None,
            Pulled::Status(status) => Some(self.call(connection, 1, connection.content(status, true))),
            Pulled::TimedOut => Some(self.call(connection, 1, Obj::empty())),
        };
        let end = object.map(|object| object.end());
        Some(Work::Many(end.into_iter().chain(call).collect()))
    }

    fn ended(&self, connection: &Connection, end: End) -> Option<Work> {
        let object = self.object.upgrade().filter(|object| !object.over.get())?;
        if end != End::Connection(Ending::Disconnect) {
            let call = self.call(connection, 1, Obj::empty());
            notifier::post(Box::new(move || call));
        }
        Some(object.end())
    }

    fn is_finite(&self) -> bool {
        true
    }
}

impl Fetching {
    fn call(&self, connection: &Connection, timed_out: u64, message: Obj) -> Work {
        self.callback.call(connection, [Obj::int(timed_out), message])
    }
}
