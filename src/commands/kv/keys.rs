//! The methods of `nats::key_value` about single keys.

use std::future::Future;
use std::rc::Rc;

use bytes::Bytes;

use super::entry::EntryForm;
use super::{KeyValue, failure};
use crate::commands::message::{encode_payload, payload_value};
use crate::commands::options::{Kind, Spec, invalid, invalid_value, parse, spec, to_count};
use crate::jetstream::Context;
use crate::kv::bucket::Bucket;
use crate::kv::entry::{Entry, Operation};
use crate::kv::error::KvError;
use crate::kv::names::is_key;
use crate::kv::write::Write;
use crate::tcl::{Call, Obj, Reply, Result};

const GET: &[Spec] = &[spec("revision", Kind::PosInt)];
const CREATE: &[Spec] = &[spec("ttl", Kind::PosInt)];
const PURGE: &[Spec] = &[spec("revision", Kind::PosInt), spec("ttl", Kind::PosInt)];

pub fn get(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let (form, utf8) = (EntryForm::new(&key_value.bucket.name), key_value.utf8());
    read(key_value, call, move |entry| form.entry(&entry, utf8))
}

pub fn get_value(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let utf8 = key_value.utf8();
    read(key_value, call, move |entry| payload_value(&entry.value, utf8))
}

pub fn put(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let [key, value] = call.args() else {
        return Err(call.wrong_args(c"key value"));
    };
    let write = key_value.value(key, value)?;
    key_value.write(|bucket, context| bucket.write(context, &write), revision)
}

pub fn update(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let [key, value, expected] = call.args() else {
        return Err(call.wrong_args(c"key value revision"));
    };
    let write = key_value.value(key, value)?;
    let write = Write {
        expected: Some(to_revision(expected)?),
        ..write
    };
    key_value.write(|bucket, context| bucket.write(context, &write), revision)
}

pub fn create(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let [key, value, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"key value ?-ttl ms?"));
    };
    let write = key_value.value(key, value)?;
    let write = Write {
        ttl: seconds(parse(options, CREATE)?.count("ttl")),
        ..write
    };
    let expires = write.ttl.is_some();
    let make = |bucket: &Bucket, context: &Context| bucket.create(context, write);
    if expires {
        key_value.write_expiring(make, revision)
    } else {
        key_value.write(make, revision)
    }
}

pub fn delete(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let (key, expected) = match call.args() {
        [key] => (key, None),
        [key, revision] => (key, Some(revision)),
        _ => return Err(call.wrong_args(c"key ?revision?")),
    };
    let write = Write {
        key: key_name(key)?,
        marker: Some(Operation::Delete),
        expected: match expected.filter(|revision| !revision.modified_utf8().is_empty()) {
            Some(revision) => Some(to_revision(revision)?).filter(|&revision| revision > 0),
            None => None,
        },
        ..Write::default()
    };
    key_value.write(|bucket, context| bucket.write(context, &write), nothing)
}

pub fn purge(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let [key, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"key ?-revision revision? ?-ttl ms?"));
    };
    let key = key_name(key)?;
    let values = parse(options, PURGE)?;
    let write = Write {
        key,
        marker: Some(Operation::Purge),
        expected: values.count("revision").filter(|&revision| revision > 0),
        ttl: seconds(values.count("ttl")),
        ..Write::default()
    };
    let expires = write.ttl.is_some();
    let make = move |bucket: &Bucket, context: &Context| bucket.write(context, &write);
    if expires {
        key_value.write_expiring(make, nothing)
    } else {
        key_value.write(make, nothing)
    }
}

pub fn revert(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let [key, to] = call.args() else {
        return Err(call.wrong_args(c"key revision"));
    };
    let key = key_name(key)?;
    let to = match to_revision(to)? {
        0 => return Err(bad_revision(to)),
        to => to,
    };
    key_value.write(|bucket, context| bucket.revert(context, &key, to), revision)
}

fn read(
    key_value: &Rc<KeyValue>,
    call: &Call,
    convert: impl FnOnce(Entry) -> Obj + 'static,
) -> Result<Reply> {
    let [key, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"key ?-revision revision?"));
    };
    let key = key_name(key)?;
    let values = parse(options, GET)?;
    let revision = values.count("revision");
    if revision == Some(0) {
        return Err(invalid_value("pos_int", "revision", "0"));
    }
    let make = |context: Context| key_value.bucket.get(&context, &key, revision);
    let settle = |entry: Outcome<Entry>| Ok(convert(entry.map_err(failure::to_tcl)?));
    key_value.jet_stream.start(make, settle)
}

type Outcome<T> = std::result::Result<T, KvError>;

impl KeyValue {
    pub fn utf8(&self) -> bool {
        self.jet_stream.connection.converts_utf8()
    }

    /// A write that puts a value.
    fn value(&self, key: &Obj, value: &Obj) -> Result<Write> {
        let key = key_name(key)?;
        let value = encode_payload(value, self.utf8())?;
        Ok(Write {
            key,
            value: Bytes::copy_from_slice(&value),
            ..Write::default()
        })
    }

    /// Makes a method wait for a write.
    fn write<F>(&self, make: impl FnOnce(&Bucket, &Context) -> F, settle: fn(u64) -> Obj) -> Result<Reply>
    where
        F: Future<Output = Outcome<u64>> + Send + 'static,
    {
        let jet_stream = &self.jet_stream;
        jet_stream.connection.start_or(
            |client| make(&self.bucket, &jet_stream.context(client)),
            move |revision| Ok(settle(revision.map_err(failure::to_tcl)?)),
            failure::write_ended,
        )
    }

    /// The same for an entry that expires, if the bucket can keep such.
    fn write_expiring<F>(
        &self,
        make: impl FnOnce(&Bucket, &Context) -> F + Send + 'static,
        settle: fn(u64) -> Obj,
    ) -> Result<Reply>
    where
        F: Future<Output = Outcome<u64>> + Send + 'static,
    {
        let make = |bucket: &Bucket, context: &Context| {
            let (bucket, context) = (bucket.clone(), context.clone());
            async move {
                bucket.require_ttl(&context).await?;
                make(&bucket, &context).await
            }
        };
        self.write(make, settle)
    }
}

fn revision(revision: u64) -> Obj {
    Obj::int(revision)
}

fn nothing(_: u64) -> Obj {
    Obj::empty()
}

fn key_name(key: &Obj) -> Result<String> {
    let key = key.to_text();
    if !is_key(&key) {
        return Err(invalid(format!("Invalid key name {key}")));
    }
    Ok(key.into_owned())
}

fn to_revision(word: &Obj) -> Result<u64> {
    to_count(word).ok_or_else(|| bad_revision(word))
}

fn bad_revision(word: &Obj) -> crate::tcl::Error {
    invalid(format!("Invalid revision {}", word.to_text()))
}

/// Milliseconds as the server counts: in whole seconds, no part of one lost. 0 means no limit.
fn seconds(ms: Option<u64>) -> Option<u64> {
    ms.filter(|&ms| ms > 0).map(|ms| ms.div_ceil(1000))
}
