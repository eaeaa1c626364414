//! The established connection: reading, writing and keep-alive until something ends it.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use super::abandon::Abandon;
use super::error::ConnectionError;
use super::event::{Event, LogLevel};
use super::life::Life;
use super::lock::lock;
use super::pauses::Pauses;
use super::transport::ReadHalf;
use crate::protocol::{Headers, Parser, ServerError, ServerOp, encode};

/// Room for one read; small messages share the allocation.
const READ_SIZE: usize = 64 * 1024;
/// With less room than this the next read gets a new buffer.
const MIN_READ: usize = 16 * 1024;
/// Reads without a pause in which writing and the clock get their turn.
const READS_PER_TURN: usize = 16;
/// A pause that lasts longer is worth a line in the log.
const LONG_PAUSE: Duration = Duration::from_secs(5);

/// The incoming side of a session.
pub(crate) struct Input {
    pub(crate) reader: ReadHalf,
    pub(crate) parser: Parser,
    pub(crate) buf: BytesMut,
    /// `H:P` for texts.
    pub(crate) address: String,
}

/// Why a session is over.
pub(crate) enum End {
    Broken(ConnectionError),
    /// The owner closes; the streams are still good.
    Closing,
    /// The owner wants another connection; the streams are still good.
    Abandoned,
}

impl Life {
    /// Serves the connection. Its activities run side by side: a pause in reading holds up none
    /// of the others.
    pub(crate) async fn session(&self, input: &mut Input, abandon: &mut Abandon) -> End {
        let stats = &self.settings.stats;
        let pauses = &stats.pauses;
        pauses.start_session();
        let address = input.address.clone();
        let end = tokio::select! {
            biased;
            () = self.closing.requested() => End::Closing,
            () = abandon.requested() => End::Abandoned,
            error = self.read_loop(input, pauses) => End::Broken(error),
            error = self.outbox.write_loop() => End::Broken(ConnectionError::write(&address, &error)),
            error = self.keep_alive(pauses) => End::Broken(error),
        };
        if let End::Broken(error) = &end
            && error.is_drop(pauses.is_behind())
        {
            stats.server_drops.fetch_add(1, Relaxed);
        }
        end
    }

    async fn read_loop(&self, input: &mut Input, pauses: &Pauses) -> ConnectionError {
        let mut events = Vec::new();
        let mut reads = 0;
        loop {
            let outcome = self.digest(input, &mut events);
            self.gate.deliver(&mut events);
            if let Err(error) = outcome {
                return error;
            }
            if !self.gate.has_room() {
                self.pause(&input.address, pauses).await;
            }
            reads += 1;
            if reads % READS_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
            if input.buf.capacity() - input.buf.len() < MIN_READ {
                input.buf.reserve(READ_SIZE);
            }
            match input.reader.read_buf(&mut input.buf).await {
                Ok(0) => return ConnectionError::end_of_stream(&input.address),
                Ok(count) => self.settings.stats.in_bytes.fetch_add(count as u64, Relaxed),
                Err(error) => return ConnectionError::read(&input.address, &error),
            };
        }
    }

    /// Turns everything complete in the buffer into events, in wire order, under one lock.
    fn digest(&self, input: &mut Input, events: &mut Vec<Event>) -> Result<(), ConnectionError> {
        let mut tables = lock(&self.tables);
        let mut messages = 0;
        let outcome = loop {
            match input.parser.next(&mut input.buf) {
                Ok(None) => break Ok(()),
                Ok(Some(ServerOp::Message(message))) => {
                    messages += 1;
                    if let Some(Err(error)) = message.header().map(Headers::check_version) {
                        self.report_error(events, error.into());
                    }
                    tables.message(message, &self.outbox, events);
                }
                Ok(Some(ServerOp::Pong)) => {
                    self.gate
                        .log(events, LogLevel::Debug, || "received PONG".to_owned());
                    tables.pong(events);
                }
                Ok(Some(other)) => {
                    if let Err(error) = self.take_op(other, &input.address, events) {
                        break Err(error);
                    }
                }
                Err(error) => break Err(error.into()),
            }
        };
        self.settings.stats.in_msgs.fetch_add(messages, Relaxed);
        outcome
    }

    /// The operations that need no table.
    fn take_op(&self, op: ServerOp, address: &str, events: &mut Vec<Event>) -> Result<(), ConnectionError> {
        match op {
            ServerOp::Ping => {
                self.gate.log(events, LogLevel::Debug, || {
                    "received PING, sending PONG".to_owned()
                });
                self.outbox.pong(encode::pong);
            }
            ServerOp::Ok => self
                .gate
                .log(events, LogLevel::Debug, || "received +OK".to_owned()),
            ServerOp::Info(json) => {
                self.take_info(&json, address, events)?;
            }
            ServerOp::Err(text) => {
                let error = ServerError::classify(&text);
                if error.fatal {
                    return Err(error.into());
                }
                self.report_error(events, error.into());
            }
            ServerOp::Message(_) | ServerOp::Pong => {}
        }
        Ok(())
    }

    /// Waits for room; one line tells of a long wait.
    async fn pause(&self, address: &str, pauses: &Pauses) {
        let (_pause, episode_begins) = pauses.begin();
        if episode_begins {
            self.gate.ask(Event::SlowConsumer {
                server: address.to_owned(),
            });
        }
        let long = tokio::time::sleep(LONG_PAUSE);
        tokio::pin!(long);
        let mut told = false;
        while !self.gate.has_room() {
            tokio::select! {
                () = self.gate.room() => {}
                () = &mut long, if !told => {
                    told = true;
                    self.tell_of_long_pause(address);
                }
            }
        }
    }

    fn tell_of_long_pause(&self, address: &str) {
        let mut events = Vec::new();
        self.gate.log(&mut events, LogLevel::Warn, || {
            let seconds = LONG_PAUSE.as_secs();
            format!("Reading from {address} has paused for {seconds} s: too many messages wait")
        });
        self.gate.deliver(&mut events);
    }

    /// PINGs by the clock, whatever else is written; the clock stands still while reading does,
    /// since the PONGs may lie unread.
    async fn keep_alive(&self, pauses: &Pauses) -> ConnectionError {
        loop {
            match self.settings.options().ping_interval {
                0 => std::future::pending().await,
                ms => pauses.sleep_while_reading(Duration::from_millis(ms)).await,
            }
            let max = self.settings.options().max_outstanding_pings;
            {
                let mut tables = lock(&self.tables);
                let outstanding = tables.pings.outstanding();
                if outstanding >= max {
                    return ConnectionError::stale(outstanding);
                }
                tables.pings.keep_alive();
                self.outbox.control(encode::ping);
            }
            let mut events = Vec::new();
            self.gate
                .log(&mut events, LogLevel::Debug, || "sending PING".to_owned());
            self.gate.deliver(&mut events);
        }
    }
}
