//! Whom the next PONG answers.
//!
//! PONGs come in the order of the PINGs, so a queue of askers is enough. An asker whose time has
//! passed stays in it until its PONG has come, or that PONG would satisfy the next one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// The PINGs on their way, and those that wait for the next session.
#[derive(Default)]
pub(crate) struct Pings {
    askers: VecDeque<Asker>,
    /// Keep-alive PINGs since the last PONG of any kind.
    outstanding: u64,
}

enum Asker {
    KeepAlive,
    Owner(Ping),
    /// An operation of ours, which is told by the end of its channel should the session end.
    Operation(oneshot::Sender<()>),
    TimedOut,
}

/// An owner's ping.
struct Ping {
    id: u64,
    deadline: Option<Instant>,
    /// When it was written or queued.
    asked: Instant,
}

/// A ping that was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) id: u64,
    pub(crate) deadline: Option<Instant>,
    pub(crate) rtt: Duration,
}

impl Pings {
    /// An owner's PING, written now or with the next session.
    pub(crate) fn ask(&mut self, id: u64, deadline: Option<Instant>) {
        self.askers.push_back(Asker::Owner(Ping {
            id,
            deadline,
            asked: Instant::now(),
        }));
    }

    /// The PING of an operation of ours, written now.
    pub(crate) fn ask_for_operation(&mut self, answer: oneshot::Sender<()>) {
        self.askers.push_back(Asker::Operation(answer));
    }

    /// A keep-alive PING is about to be written.
    pub(crate) fn keep_alive(&mut self) {
        self.askers.push_back(Asker::KeepAlive);
        self.outstanding += 1;
    }

    /// Keep-alive PINGs without an answer.
    pub(crate) fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// A PONG has come: the owner's ping that it answers. An unsolicited PONG answers nothing.
    pub(crate) fn answer(&mut self) -> Option<Answered> {
        self.outstanding = 0;
        match self.askers.pop_front() {
            Some(Asker::Owner(Ping { id, deadline, asked })) => Some(Answered {
                id,
                deadline,
                rtt: asked.elapsed(),
            }),
            Some(Asker::Operation(answer)) => {
                // It may have ended.
                let _ = answer.send(());
                None
            }
            _ => None,
        }
    }

    /// The session has ended: what only it could answer will not be.
    pub(crate) fn session_ended(&mut self) {
        self.askers.retain(|asker| !matches!(asker, Asker::Operation(_)));
    }

    /// The time of a ping has passed; returns whether it was still unanswered.
    pub(crate) fn time_out(&mut self, id: u64) -> bool {
        let asker = self
            .askers
            .iter_mut()
            .find(|a| matches!(a, Asker::Owner(ping) if ping.id == id));
        asker.map(|asker| *asker = Asker::TimedOut).is_some()
    }

    /// A new session begins: the number of PINGs to write again (D26). Only those that an owner
    /// still waits for survive.
    pub(crate) fn restore(&mut self) -> usize {
        self.outstanding = 0;
        self.askers.retain_mut(|asker| match asker {
            Asker::Owner(ping) => {
                ping.asked = Instant::now();
                true
            }
            Asker::KeepAlive | Asker::Operation(_) | Asker::TimedOut => false,
        });
        self.askers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(pings: &mut Pings) -> Option<u64> {
        pings.answer().map(|answered| answered.id)
    }

    #[test]
    fn each_pong_answers_its_own_ping() {
        let mut pings = Pings::default();
        pings.keep_alive();
        pings.ask(1, None);
        pings.ask(2, None);
        assert!(pings.time_out(1));
        assert!(!pings.time_out(1));
        assert_eq!(pings.outstanding(), 1);
        assert_eq!(answered(&mut pings), None);
        assert_eq!(pings.outstanding(), 0);
        assert_eq!(
            answered(&mut pings),
            None,
            "that PONG belonged to the ping that timed out"
        );
        assert_eq!(answered(&mut pings), Some(2));
        assert_eq!(answered(&mut pings), None);
    }

    #[test]
    fn a_new_session_repeats_only_the_pings_somebody_waits_for() {
        let mut pings = Pings::default();
        pings.keep_alive();
        pings.ask(1, None);
        pings.ask(2, None);
        pings.time_out(1);
        assert_eq!(pings.restore(), 1);
        assert_eq!(pings.outstanding(), 0);
        assert_eq!(answered(&mut pings), Some(2));
    }
}
