//! The options about the way to a server: `-ws_headers` and `-proxy_url`.
//!
//! Either may hold a login, so no message shows their values.

use crate::client::proxy::Proxy;
use crate::client::url::InvalidUrl;
use crate::client::websocket::{Header, parse_headers};
use crate::commands::options::invalid;
use crate::tcl::{Interp, Obj, Result};

/// The headers in `{name value …}`.
pub fn ws_headers(interp: &Interp, value: &Obj) -> Result<Vec<Header>> {
    let words: Vec<String> = value
        .elements(interp)
        .map_err(|_| invalid("Invalid -ws_headers: should be a list of names and values"))?
        .iter()
        .map(|word| word.to_text().into_owned())
        .collect();
    parse_headers(&words).map_err(|error| invalid(format!("Invalid -ws_headers: {error}")))
}

/// The proxy; none for the empty string.
pub fn proxy(value: &Obj) -> Result<Option<Proxy>> {
    match &*value.to_text() {
        "" => Ok(None),
        text => Proxy::parse(text).map(Some).map_err(|InvalidUrl| {
            invalid("Invalid -proxy_url: should be http://[user[:password]@]host[:port]")
        }),
    }
}
