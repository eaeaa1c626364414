//! What an INFO changes: the known fields, and the pool.

use super::error::ConnectionError;
use super::event::{Event, LogLevel};
use super::life::Life;
use super::lock::lock;
use super::pool::MAX_DISCOVERED;
use crate::protocol::ServerInfo;

/// Fields that all INFOs of a session may have in all; servers send about thirty. Updates with
/// ever new names must not grow our memory.
const MAX_FIELDS: usize = 1000;
/// Bytes of memory that they may take in all: enough for the largest INFO with a hundred thousand
/// addresses.
const MAX_MEMORY: usize = 16 << 20;
/// Entries of `connect_urls` that are no addresses and are named in the log.
const MAX_NAMED: usize = 10;
/// Characters that are shown of each.
const MAX_SHOWN: usize = 256;

impl Life {
    /// Takes in an INFO that is an update.
    pub(crate) fn take_info(
        &self,
        json: &[u8],
        address: &str,
        events: &mut Vec<Event>,
    ) -> Result<(), ConnectionError> {
        let info = self.note_info(json, false, address, events)?;
        self.announced(&info, events);
        Ok(())
    }

    /// Takes the servers that an INFO announces into the pool.
    pub(crate) fn take_connect_urls(&self, info: &ServerInfo) {
        let mut events = Vec::new();
        self.announced(info, &mut events);
        self.gate.deliver(&mut events);
    }

    /// Notes the fields of an INFO and nothing else: the `first` one of a session replaces what was
    /// known, others merge. Returns the fields that came.
    pub(crate) fn note_info(
        &self,
        json: &[u8],
        first: bool,
        address: &str,
        events: &mut Vec<Event>,
    ) -> Result<ServerInfo, ConnectionError> {
        let info = ServerInfo::parse(json)?;
        if info.memory() > MAX_MEMORY {
            return Err(ConnectionError::too_large_info());
        }
        let lame_duck = info.ldm() && (first || !self.is_lame_duck());
        match &mut *lock(&self.settings.info) {
            Some(known) if !first => {
                known.merge(&info);
                if known.fields().count() > MAX_FIELDS {
                    return Err(ConnectionError::too_many_fields());
                }
                if known.memory() > MAX_MEMORY {
                    return Err(ConnectionError::too_large_info());
                }
            }
            known => *known = Some(info.clone()),
        }
        events.push(Event::Info {
            info: info.clone(),
            replace: first,
        });
        if lame_duck {
            let server = address.to_owned();
            events.push(Event::LameDuck { server });
        }
        Ok(info)
    }

    fn is_lame_duck(&self) -> bool {
        lock(&self.settings.info).as_ref().is_some_and(ServerInfo::ldm)
    }

    fn announced(&self, info: &ServerInfo, events: &mut Vec<Event>) {
        let urls = info.connect_urls();
        if urls.is_empty() {
            return;
        }
        self.gate.log(events, LogLevel::Debug, || {
            format!("Got connect_urls: {}", urls.join(" "))
        });
        if self.settings.options().ignore_discovered_servers {
            return;
        }
        let announced = lock(&self.settings.pool).announce(&urls);
        for url in &announced.added {
            self.gate.log(events, LogLevel::Debug, || {
                format!("Added {url} to the server pool")
            });
        }
        if !announced.added.is_empty() {
            events.push(Event::Discovered {
                urls: announced.added,
            });
        }
        for entry in announced.invalid.iter().take(MAX_NAMED) {
            self.gate.log(events, LogLevel::Warn, || {
                let shown: String = entry.chars().take(MAX_SHOWN).collect();
                format!("Ignored {shown} in connect_urls: no server address")
            });
        }
        let others = announced.invalid.len().saturating_sub(MAX_NAMED);
        if others > 0 {
            self.gate.log(events, LogLevel::Warn, || {
                format!("Ignored {others} more entries of connect_urls: no server addresses")
            });
        }
        if announced.overflow {
            self.gate.log(events, LogLevel::Warn, || {
                format!("Ignored connect_urls beyond {MAX_DISCOVERED} servers")
            });
        }
    }
}
