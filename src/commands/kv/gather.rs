//! The methods of `nats::key_value` about many keys.

use std::future::Future;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::entry::EntryForm;
use super::{KeyValue, failure, patterns};
use crate::commands::options::{Kind, Spec, parse, spec};
use crate::jetstream::Context;
use crate::kv::bucket::Bucket;
use crate::kv::error::KvError;
use crate::tcl::{Call, Error, Obj, Reply, Result};

const KEYS: &[Spec] = &[spec("filters", Kind::Str)];
const PURGE_DELETES: &[Spec] = &[spec("older_than", Kind::PosInt)];

/// Markers younger than this, in ms, stay unless the option says otherwise.
const OLDER_THAN: u64 = 30 * 60 * 1000;

pub fn keys(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let filters = match parse(call.args(), KEYS)?.get("filters") {
        Some(filters) => patterns(call.interp, filters)?,
        None => vec![">".to_owned()],
    };
    key_value.gather(
        |bucket, context| async move { bucket.keys(&context, filters).await },
        |keys| Obj::list(&keys.iter().map(|key| Obj::text(key)).collect::<Vec<_>>()),
        failure::to_tcl_short,
    )
}

pub fn history(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let [pattern] = call.args() else {
        return Err(call.wrong_args(c"pattern"));
    };
    let pattern = pattern.to_text().into_owned();
    let (form, utf8) = (EntryForm::new(&key_value.bucket.name), key_value.utf8());
    key_value.gather(
        |bucket, context| async move { bucket.history(&context, pattern).await },
        move |entries| {
            let entries = entries.iter().map(|update| form.update(update, utf8));
            Obj::list(&entries.collect::<Vec<_>>())
        },
        failure::to_tcl_short,
    )
}

pub fn get_many(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let [wanted] = call.args() else {
        return Err(call.wrong_args(c"patterns"));
    };
    let wanted = patterns(call.interp, wanted)?;
    let (form, utf8) = (EntryForm::new(&key_value.bucket.name), key_value.utf8());
    key_value.gather(
        |bucket, context| async move { bucket.get_many(&context, wanted).await },
        move |entries| {
            let entries = entries.iter().map(|entry| form.entry(entry, utf8));
            Obj::list(&entries.collect::<Vec<_>>())
        },
        failure::to_tcl,
    )
}

pub fn purge_deletes(key_value: &Rc<KeyValue>, call: &Call) -> Result<Reply> {
    let age = parse(call.args(), PURGE_DELETES)?.count("older_than");
    let age = i64::try_from(age.unwrap_or(OLDER_THAN)).unwrap_or(i64::MAX);
    // A clock that runs behind the server's must not keep markers that are to go at any age.
    let before = if age == 0 {
        i64::MAX
    } else {
        now_ms().saturating_sub(age)
    };
    key_value.gather(
        move |bucket, context| async move { bucket.purge_deletes(&context, before).await },
        Obj::int,
        failure::to_tcl,
    )
}

impl KeyValue {
    /// Makes a method wait for something that ends with the `jet_stream`.
    fn gather<T, F>(
        &self,
        make: impl FnOnce(Bucket, Context) -> F,
        convert: impl FnOnce(T) -> Obj + 'static,
        failed: fn(KvError) -> Error,
    ) -> Result<Reply>
    where
        T: Send + 'static,
        F: Future<Output = std::result::Result<T, KvError>> + Send + 'static,
    {
        self.jet_stream.start_while_alive(
            |context| make(self.bucket.clone(), context),
            move |outcome| Ok(convert(outcome.map_err(failed)?)),
        )
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
