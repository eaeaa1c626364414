//! Whom the next PONG answers.
//!
//! PONGs come in the order of the PINGs, so a queue of askers is enough. An asker whose time has
//! passed stays in it until its PONG has come, or that PONG would satisfy the next one.

use std::collections::VecDeque;
use std::time::Instant;

/// The PINGs on their way, and those that wait for the next session.
#[derive(Default)]
pub(crate) struct Pings {
    askers: VecDeque<Asker>,
    /// Keep-alive PINGs since the last PONG of any kind.
    outstanding: u64,
}

enum Asker {
    KeepAlive,
    Owner { id: u64, deadline: Option<Instant> },
    TimedOut,
}

impl Pings {
    /// An owner's PING, written now or with the next session.
    pub(crate) fn ask(&mut self, id: u64, deadline: Option<Instant>) {
        self.askers.push_back(Asker::Owner { id, deadline });
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

    /// A PONG has come: the owner's ping that it answers, with its deadline. An unsolicited
    /// PONG answers nothing.
    pub(crate) fn answer(&mut self) -> Option<(u64, Option<Instant>)> {
        self.outstanding = 0;
        match self.askers.pop_front() {
            Some(Asker::Owner { id, deadline }) => Some((id, deadline)),
            _ => None,
        }
    }

    /// The time of a ping has passed; returns whether it was still unanswered.
    pub(crate) fn time_out(&mut self, id: u64) -> bool {
        let asker = self
            .askers
            .iter_mut()
            .find(|a| matches!(a, Asker::Owner { id: i, .. } if *i == id));
        asker.map(|asker| *asker = Asker::TimedOut).is_some()
    }

    /// A new session begins: the number of PINGs to write again (D26). Only those that an owner
    /// still waits for survive.
    pub(crate) fn restore(&mut self) -> usize {
        self.outstanding = 0;
        self.askers.retain(|asker| matches!(asker, Asker::Owner { .. }));
        self.askers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pong_answers_its_own_ping() {
        let mut pings = Pings::default();
        pings.keep_alive();
        pings.ask(1, None);
        pings.ask(2, None);
        assert!(pings.time_out(1));
        assert!(!pings.time_out(1));
        assert_eq!(pings.outstanding(), 1);
        assert_eq!(pings.answer(), None);
        assert_eq!(pings.outstanding(), 0);
        assert_eq!(
            pings.answer(),
            None,
            "that PONG belonged to the ping that timed out"
        );
        assert_eq!(pings.answer(), Some((2, None)));
        assert_eq!(pings.answer(), None);
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
        assert_eq!(pings.answer(), Some((2, None)));
    }
}
