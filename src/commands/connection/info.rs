//! What a connection knows of itself and of its servers.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Connection, not_connected};
use crate::client::Backlog;
use crate::client::pool::Server;
use crate::client::status::Status;
use crate::client::url::Login;
use crate::commands::json;
use crate::protocol::ServerInfo;
use crate::tcl::{Call, Obj, Reply, Result, Work};

/// The INFO as it was dispatched, which the array `serverInfo` shows, and what every message asks
/// of it.
#[derive(Default)]
pub struct Fields {
    info: ServerInfo,
    pub limits: Option<Limits>,
}

#[derive(Clone, Copy, Default)]
pub struct Limits {
    pub max_payload: Option<usize>,
    pub headers: bool,
}

impl Connection {
    /// Writes an INFO into `serverInfo`, element by element; stale ones go when it replaces all.
    pub(super) fn show_info(&self, info: &ServerInfo, replace: bool) -> Work {
        let mut shown = self.server_info.borrow_mut();
        let mut steps = Vec::new();
        if replace {
            let fresh: HashSet<&str> = info.fields().map(|(name, _)| name).collect();
            let shown_names = shown.info.fields().map(|(name, _)| name);
            for stale in shown_names.filter(|name| !fresh.contains(name)) {
                steps.push(Work::Unset {
                    interp: self.interp.clone(),
                    name: self.variables.server_info.clone(),
                    element: Obj::text(stale),
                });
            }
            shown.info = info.clone();
        } else {
            shown.info.merge(info);
        }
        for (name, value) in info.fields() {
            steps.push(Work::Set {
                interp: self.interp.clone(),
                name: self.variables.server_info.clone(),
                element: Some(Obj::text(name)),
                value: json::to_tcl(value),
            });
        }
        shown.limits = Some(Limits {
            max_payload: shown.info.max_payload(),
            headers: shown.info.headers(),
        });
        Work::Many(steps)
    }
}

pub fn server_info(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    let shown = connection.server_info.borrow();
    Ok(Reply::Value(json::dict(shown.info.fields())))
}

pub fn current_server(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    if connection.status.get() == Status::Closed {
        return Err(not_connected());
    }
    let pool = connection.pool();
    let server = pool.current().ok_or_else(not_connected)?;
    Ok(Reply::Value(Obj::list(&[
        Obj::text(&server.url.host),
        Obj::text(&server.url.port),
    ])))
}

pub fn all_servers(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    let servers: Vec<Obj> = connection.pool().servers().map(server_dict).collect();
    Ok(Reply::Value(Obj::list(&servers)))
}

/// A server as `all_servers` and `-custom_reconnect_delay` show it, with its login.
pub fn server_dict(server: &Server) -> Obj {
    let mut fields = vec![
        ("scheme", Obj::text(server.url.scheme.as_str())),
        ("host", Obj::text(&server.url.host)),
        ("port", Obj::text(&server.url.port)),
        (
            "discovered",
            Obj::text(if server.discovered { "true" } else { "false" }),
        ),
        ("reconnects", Obj::int(server.reconnects)),
        ("last_attempt", Obj::int(server.last_attempt)),
    ];
    match &server.url.login {
        Login::None => {}
        Login::UserPassword { user, password } => {
            fields.push(("user", Obj::text(user)));
            fields.push(("password", Obj::text(password)));
        }
        Login::Token(token) => fields.push(("auth_token", Obj::text(token))),
    }
    Obj::record(&fields)
}

pub fn inbox(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    Ok(Reply::Value(Obj::text(&connection.settings.new_inbox())))
}

pub fn stats(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    let stats = &connection.settings.stats;
    let life = connection.life.borrow();
    let backlog = life
        .as_ref()
        .map_or_else(Backlog::default, |client| client.backlog());
    let pending = connection.mailbox.pending();
    let paused = stats.pauses.total().as_millis();
    let count = |counter: &AtomicU64| counter.load(Relaxed);
    let fields = [
        ("in_msgs", count(&stats.in_msgs)),
        ("in_bytes", count(&stats.in_bytes)),
        (
            "out_msgs",
            count(&stats.out_msgs).saturating_sub(backlog.taken_msgs),
        ),
        ("out_bytes", count(&stats.out_bytes)),
        ("reconnects", count(&stats.reconnects)),
        ("pending_in_msgs", pending.items as u64),
        ("pending_in_bytes", pending.bytes as u64),
        ("pending_out_msgs", backlog.taken_msgs + backlog.queued_msgs),
        ("pending_out_bytes", backlog.bytes),
        ("pauses", stats.pauses.count()),
        ("paused_ms", u64::try_from(paused).unwrap_or(u64::MAX)),
        ("server_drops", count(&stats.server_drops)),
    ];
    Ok(Reply::Value(Obj::record(
        &fields.map(|(name, count)| (name, Obj::int(count))),
    )))
}
