//! Which server comes next.
//!
//! An ordered list whose last element is the current server: connected to, being tried, or
//! awaited. Pure state, without sockets and clocks, by these rules:
//!
//! 1. An empty list ends the life.
//! 2. While connecting for the first time, meeting a server that has already failed means that
//!    all were tried; that ends the life too, and leaves the list as it is.
//! 3. The first element is taken out. One that failed as often as the limit allows is dropped for
//!    good and the next one looked at; the first round knows no limit (D30).
//! 4. It becomes the last element. If it has failed before, its delay is due before the attempt.

use std::collections::{HashSet, VecDeque};

use rand::seq::SliceRandom;

use super::error::ConnectionError;
use super::url::{InvalidUrl, ServerUrl};

pub use super::server::Server;

/// Servers learnt from `connect_urls` that the pool takes in; a cluster is far smaller, and a
/// server that announces more is broken or hostile.
pub const MAX_DISCOVERED: usize = 256;

/// The servers of one connection. Empty until configured.
#[derive(Default)]
pub struct ServerPool {
    servers: VecDeque<Server>,
    overflow_reported: bool,
    /// A server was configured by a URL that stands for TLS.
    wants_tls: bool,
}

/// The round of attempts that `ServerPool::next` is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// After `connect`: every server once.
    First,
    /// After the loss of a connection, or after `connect` if the owner wants it retried.
    Reconnect(Limits),
}

/// How often a server may fail before it is dropped for good; `None` for any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub attempts: Option<u64>,
    /// Equal authentication errors in a row.
    pub auth_errors: Option<u64>,
}

/// The outcome of `ServerPool::next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Attempt the current server at once.
    Attempt,
    /// Attempt the current server when its delay after this moment (epoch ms) has passed.
    AttemptAfter { last_attempt: u64 },
    /// No server is left.
    PoolEmpty,
    /// Every server was tried.
    AllTried,
}

/// What became of a list of announced servers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// URLs (without login) that are new in the pool.
    pub added: Vec<String>,
    /// Entries that are no `host:port`.
    pub invalid: Vec<String>,
    /// Whether entries beyond [`MAX_DISCOVERED`] were ignored for the first time.
    pub overflow: bool,
}

/// Why a list of URLs makes no pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolError {
    /// The first text that is no URL.
    InvalidUrl(String),
    /// Some of the URLs are for WebSocket and others are not. A cluster announces its servers
    /// without schemes, so a pool has to go one way.
    Mixed,
}

impl ServerPool {
    /// Replaces the whole pool. With `randomize` exact duplicates go and the rest is shuffled.
    ///
    /// # Errors
    /// The pool is then untouched.
    pub fn configure(&mut self, texts: &[String], randomize: bool) -> Result<(), PoolError> {
        let mut seen = HashSet::new();
        let mut servers = Vec::with_capacity(texts.len());
        for text in texts {
            let url = ServerUrl::parse(text).map_err(|InvalidUrl| PoolError::InvalidUrl(text.clone()))?;
            if seen.insert(text) || !randomize {
                servers.push(Server::configured(url));
            }
        }
        let mut schemes = servers.iter().map(|server| server.url.scheme.is_web_socket());
        let first = schemes.next();
        if schemes.any(|other| Some(other) != first) {
            return Err(PoolError::Mixed);
        }
        if randomize {
            servers.shuffle(&mut rand::rng());
        }
        let wants_tls = servers.iter().any(|server| server.url.scheme.is_secure());
        *self = ServerPool {
            servers: servers.into(),
            overflow_reported: false,
            wants_tls,
        };
        Ok(())
    }

    pub fn clear(&mut self) {
        *self = ServerPool::default();
    }

    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    pub fn len(&self) -> usize {
        self.servers.len()
    }

    /// Whether a URL asked for TLS. One is enough for the whole pool, and for as long as it is
    /// this pool: no failover leads to clear text.
    pub(crate) fn wants_tls(&self) -> bool {
        self.wants_tls
    }

    /// All servers in order, the current one last.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter()
    }

    /// The server connected to, being tried or awaited; meaningful while not closed.
    pub fn current(&self) -> Option<&Server> {
        self.servers.back()
    }

    /// Forgets all failures: a new life begins.
    pub(crate) fn begin(&mut self) {
        for server in &mut self.servers {
            server.forget_failures();
        }
    }

    /// Makes the next server the current one. Addresses dropped for good go to `removed`.
    pub(crate) fn next(&mut self, round: Round, removed: &mut Vec<String>) -> Next {
        while let Some(first) = self.servers.front() {
            let reconnects = first.reconnects;
            match round {
                Round::First if reconnects > 0 => return Next::AllTried,
                Round::Reconnect(limits) if limits.are_reached_by(first) => {
                    removed.push(first.url.address());
                    self.servers.pop_front();
                }
                _ => {
                    let last_attempt = first.last_attempt;
                    self.servers.rotate_left(1);
                    return if reconnects > 0 {
                        Next::AttemptAfter { last_attempt }
                    } else {
                        Next::Attempt
                    };
                }
            }
        }
        Next::PoolEmpty
    }

    /// The attempt on the current server failed at `now` (epoch ms).
    pub(crate) fn attempt_failed(&mut self, now: u64) {
        if let Some(server) = self.servers.back_mut() {
            server.reconnects += 1;
            server.last_attempt = now;
        }
    }

    /// The current server refused our login, in an attempt or later; any other `error` ends a
    /// series of such errors.
    pub(crate) fn note_auth_error(&mut self, error: &ConnectionError) {
        let Some(server) = self.servers.back_mut() else {
            return;
        };
        server.auth_error = match server.auth_error.take() {
            _ if !error.is_authentication() => None,
            Some((same, count)) if same == *error => Some((same, count + 1)),
            _ => Some((error.clone(), 1)),
        };
    }

    /// The current server answered the handshake.
    pub(crate) fn attempt_succeeded(&mut self) {
        if let Some(server) = self.servers.back_mut() {
            server.forget_failures();
        }
    }

    /// The wait for the current server was given up at `now` (epoch ms).
    pub(crate) fn wait_abandoned(&mut self, now: u64) {
        if let Some(server) = self.servers.back_mut() {
            server.last_attempt = now;
        }
    }

    /// Takes in the `connect_urls` that the current server announced; nothing is ever removed.
    pub(crate) fn announce(&mut self, entries: &[&str]) -> Announced {
        let mut outcome = Announced::default();
        let Some(by) = self.servers.back().cloned() else {
            return outcome;
        };
        let mut discovered = self.servers.iter().filter(|s| s.discovered).count();
        for entry in entries {
            let Ok(url) = ServerUrl::announced(entry, &by.url) else {
                outcome.invalid.push((*entry).to_owned());
                continue;
            };
            if self.servers.iter().any(|s| s.url.same_address(&url)) {
                continue;
            }
            if discovered >= MAX_DISCOVERED {
                outcome.overflow = !std::mem::replace(&mut self.overflow_reported, true);
                break;
            }
            discovered += 1;
            outcome.added.push(url.to_string());
            self.servers.push_front(Server::discovered(url, &by));
        }
        outcome
    }
}

impl Limits {
    fn are_reached_by(&self, server: &Server) -> bool {
        let auth_errors = server.auth_error.as_ref().map_or(0, |(_, count)| *count);
        self.attempts.is_some_and(|max| server.reconnects >= max)
            || self.auth_errors.is_some_and(|max| auth_errors >= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ServerError;

    const UNLIMITED: Round = Round::Reconnect(Limits {
        attempts: None,
        auth_errors: None,
    });

    fn at_most(attempts: u64) -> Round {
        Round::Reconnect(Limits {
            attempts: Some(attempts),
            auth_errors: None,
        })
    }

    fn pool(urls: &[&str]) -> ServerPool {
        let texts: Vec<String> = urls.iter().map(|u| (*u).to_owned()).collect();
        let mut pool = ServerPool::default();
        pool.configure(&texts, false).expect("valid URLs");
        pool
    }

    fn order(pool: &ServerPool) -> Vec<&str> {
        pool.servers().map(|s| s.url.host.as_str()).collect()
    }

    fn next(pool: &mut ServerPool, round: Round) -> Next {
        pool.next(round, &mut Vec::new())
    }

    #[test]
    fn the_first_round_tries_each_server_once_and_keeps_the_pool() {
        let mut pool = pool(&["a", "b"]);
        for host in ["a", "b"] {
            assert_eq!(next(&mut pool, Round::First), Next::Attempt);
            assert_eq!(pool.current().map(|s| s.url.host.as_str()), Some(host));
            pool.attempt_failed(5);
        }
        assert_eq!(next(&mut pool, Round::First), Next::AllTried);
        assert_eq!(order(&pool), ["a", "b"]);
        pool.begin();
        assert_eq!(next(&mut pool, Round::First), Next::Attempt);
    }

    #[test]
    fn a_lost_server_is_retried_last_and_waits_only_after_a_failure() {
        let mut pool = pool(&["a", "b"]);
        next(&mut pool, Round::First);
        pool.attempt_succeeded();
        assert_eq!(next(&mut pool, UNLIMITED), Next::Attempt);
        assert_eq!(order(&pool), ["a", "b"]);
        pool.attempt_failed(70);
        assert_eq!(next(&mut pool, UNLIMITED), Next::Attempt);
        pool.attempt_failed(80);
        assert_eq!(
            next(&mut pool, UNLIMITED),
            Next::AttemptAfter { last_attempt: 70 }
        );
        assert_eq!(
            order(&pool),
            ["a", "b"],
            "the awaited server is visible as the last"
        );
        pool.wait_abandoned(99);
        assert_eq!(
            pool.current().map(|s| (s.reconnects, s.last_attempt)),
            Some((1, 99))
        );
    }

    #[test]
    fn servers_leave_the_pool_at_the_limit() {
        let mut pool = pool(&["a:1", "b:2"]);
        let round = at_most(1);
        let mut removed = Vec::new();
        for _ in 0..2 {
            assert_eq!(pool.next(round, &mut removed), Next::Attempt);
            pool.attempt_failed(1);
        }
        assert_eq!(pool.next(round, &mut removed), Next::PoolEmpty);
        assert_eq!(removed, ["a:1", "b:2"]);
        assert!(pool.is_empty());
    }

    #[test]
    fn a_limit_of_zero_allows_the_first_round_but_no_reconnect() {
        let mut pool = pool(&["a"]);
        assert_eq!(next(&mut pool, Round::First), Next::Attempt);
        pool.attempt_succeeded();
        assert_eq!(next(&mut pool, at_most(0)), Next::PoolEmpty);
    }

    #[test]
    fn equal_authentication_errors_in_a_row_end_a_server() {
        let mut pool = pool(&["a"]);
        let round = Round::Reconnect(Limits {
            attempts: None,
            auth_errors: Some(2),
        });
        let [violation, expired] = [
            &b"'Authorization Violation'"[..],
            b"'User Authentication Expired'",
        ]
        .map(|text| {
            let error: ConnectionError = ServerError::classify(text).into();
            error
        });
        let refused = ConnectionError::dial("a:4222", "connection refused");
        for error in [&violation, &refused, &violation, &expired, &expired] {
            assert_ne!(next(&mut pool, round), Next::PoolEmpty, "before {error:?}");
            pool.attempt_failed(1);
            pool.note_auth_error(error);
        }
        assert_eq!(next(&mut pool, round), Next::PoolEmpty);
    }

    #[test]
    fn a_success_ends_a_series_of_authentication_errors() {
        let mut pool = pool(&["a"]);
        let round = Round::Reconnect(Limits {
            attempts: None,
            auth_errors: Some(1),
        });
        pool.note_auth_error(&ConnectionError::no_credentials("a:4222"));
        pool.attempt_succeeded();
        assert_eq!(next(&mut pool, round), Next::Attempt);
    }

    #[test]
    fn configuring_is_atomic_and_deduplicates_only_when_randomizing() {
        let texts = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let mut pool = pool(&["a"]);
        assert_eq!(
            pool.configure(&texts(&["b", "no good"]), false),
            Err(PoolError::InvalidUrl("no good".to_owned()))
        );
        assert_eq!(order(&pool), ["a"]);
        pool.configure(&texts(&["b", "b", "c"]), false).expect("valid");
        assert_eq!(order(&pool), ["b", "b", "c"]);
        pool.configure(&texts(&["b", "b", "c"]), true).expect("valid");
        assert_eq!(pool.len(), 2);
    }

    #[test]
    fn a_pool_is_all_web_socket_or_none() {
        let mut pool = pool(&["a"]);
        for mixed in [["ws://b", "c"], ["tls://b", "wss://c"]] {
            let outcome = pool.configure(&mixed.map(str::to_owned), false);
            assert_eq!(outcome, Err(PoolError::Mixed));
        }
        assert_eq!(order(&pool), ["a"]);
        let both = ["ws://b", "wss://c"].map(str::to_owned);
        assert_eq!(pool.configure(&both, false), Ok(()));
    }

    #[test]
    fn announced_servers_go_to_the_front_once() {
        let mut pool = pool(&["tls://u:p@seed:1"]);
        next(&mut pool, Round::First);
        assert!(pool.wants_tls());
        let outcome = pool.announce(&["10.0.0.1:2", "seed:01", "bad url", "10.0.0.1:2"]);
        assert_eq!(outcome.added, ["tls://10.0.0.1:2"]);
        assert_eq!(outcome.invalid, ["bad url"]);
        assert_eq!(order(&pool), ["10.0.0.1", "seed"]);
        let server = pool.servers().next().expect("two servers");
        assert!(server.discovered);
        assert_eq!(server.certificate_name(), "seed");
    }

    #[test]
    fn bare_addresses_have_the_name_of_whoever_announced_them() {
        let mut pool = pool(&["tls://10.0.0.9"]);
        let mut names = Vec::new();
        for entry in ["10.0.0.1:1", "[::1]:2", "b.example:3", "10.0.0.2:4"] {
            next(&mut pool, Round::First);
            pool.announce(&[entry]);
            names.extend(pool.servers().next().map(|s| s.certificate_name().to_owned()));
        }
        assert_eq!(names, ["10.0.0.1", "::1", "b.example", "b.example"]);
    }

    #[test]
    fn discovery_is_bounded_and_reported_once() {
        let mut pool = pool(&["seed"]);
        let entries: Vec<String> = (0..300).map(|n| format!("h{n}:1")).collect();
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        assert!(pool.announce(&entries).overflow);
        assert_eq!(pool.len(), 1 + MAX_DISCOVERED);
        assert!(!pool.announce(&entries).overflow);
        assert_eq!(pool.len(), 1 + MAX_DISCOVERED);
    }
}
