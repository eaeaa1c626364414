//! The class `nats::jet_stream`, whose objects are children of a connection.

use std::rc::Rc;

use super::connection::Connection;
use super::options::{Kind, Spec, invalid, parse, spec};
use crate::tcl::class::{Birth, Constructor, Destructor, Instance, Metadata, Method, equip, find};
use crate::tcl::{Call, Interp, Result, Work};

static METADATA: Metadata<JetStream> = Metadata::new(c"nats::jet_stream");
static CONSTRUCTOR: Constructor<JetStream> = Constructor::new(construct);
static DESTRUCTOR: Destructor<JetStream> = Destructor::new(destroy);
static METHODS: [Method<JetStream>; 0] = [];

const OPTIONS: &[Spec] = &[
    spec("timeout", Kind::Timeout),
    spec("domain", Kind::ValidStr),
    spec("trace", Kind::Bool),
    spec("api_prefix", Kind::ValidStr),
];

/// Gives the class its native parts.
pub fn define(interp: &Interp) -> Result {
    equip(interp, "::nats::jet_stream", &CONSTRUCTOR, &DESTRUCTOR, &METHODS)
}

struct JetStream {
    interp: Interp,
    namespace: String,
    /// The parent, at which the object is registered while it lives.
    connection: Rc<Connection>,
}

/// `nats::jet_stream new connection ?option value …?`, which `$connection jet_stream` calls.
fn construct(birth: &Birth, call: &Call) -> Result<(Rc<JetStream>, Work)> {
    let Some((connection, options)) = call.args().split_first() else {
        return Err(call.wrong_args(c"connection ?option value ...?"));
    };
    let values = parse(options, OPTIONS)?;
    if values.get("domain").is_some() && values.get("api_prefix").is_some() {
        return Err(invalid("-domain and -api_prefix are mutually exclusive"));
    }
    let jet_stream = JetStream {
        interp: birth.interp.clone(),
        namespace: birth.namespace.clone(),
        connection: find::<Connection>(birth.interp, connection)?,
    };
    jet_stream.connection.adopt(&jet_stream.namespace);
    Ok((Rc::new(jet_stream), Work::none()))
}

fn destroy(jet_stream: &Rc<JetStream>) -> Work {
    jet_stream.connection.release(&jet_stream.namespace);
    Work::none()
}

impl Instance for JetStream {
    fn metadata() -> &'static Metadata<JetStream> {
        &METADATA
    }

    fn interp(&self) -> &Interp {
        &self.interp
    }

    fn deleted(&self) {
        // A destructor may have been skipped.
        self.connection.release(&self.namespace);
    }
}
