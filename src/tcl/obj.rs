//! Tcl values, counted.
//!
//! An [`Obj`] owns one reference. Values belong to the thread that made them, which the type
//! enforces: it is neither `Send` nor `Sync`.

use std::borrow::{Borrow, Cow};
use std::ptr::NonNull;

use super::error::{Error, Result};
use super::interp::Interp;
use super::sys::{self, RawObj, api};
use super::text;

/// One reference to a Tcl value.
#[repr(transparent)]
pub struct Obj(NonNull<RawObj>);

impl Clone for Obj {
    #[inline]
    fn clone(&self) -> Obj {
        // SAFETY: we own a reference, so the value is alive.
        unsafe { api().count_up(self.0.as_ptr()) };
        Obj(self.0)
    }
}

impl Drop for Obj {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the reference is ours to give back.
        unsafe { api().count_down(self.0.as_ptr()) };
    }
}

impl Obj {
    /// Takes a reference to a value that Tcl made or lent.
    ///
    /// # Safety
    /// `raw` points to a live value of this thread.
    #[inline]
    pub(super) unsafe fn from_raw(raw: *mut RawObj) -> Obj {
        // SAFETY: the caller vouches for the value; the functions used here never return null.
        unsafe {
            api().count_up(raw);
            Obj(NonNull::new_unchecked(raw))
        }
    }

    #[inline]
    pub(super) fn raw(&self) -> *mut RawObj {
        self.0.as_ptr()
    }

    /// The empty value.
    pub fn empty() -> Obj {
        // SAFETY: a fresh value.
        unsafe { Obj::from_raw((api().new_obj)()) }
    }

    /// A string value.
    pub fn text(text: &str) -> Obj {
        Obj::from_modified(&text::to_modified(text, api().major == 8))
    }

    /// A string value with one character per byte (U+0000 to U+00FF), as subjects and headers
    /// come from the wire.
    #[inline]
    pub fn latin1(bytes: &[u8]) -> Obj {
        Obj::from_modified(&text::latin1_to_modified(bytes))
    }

    fn from_modified(bytes: &[u8]) -> Obj {
        // SAFETY: Tcl copies the bytes, which are in its own form of UTF-8.
        unsafe {
            Obj::from_raw((api().new_string_obj)(
                bytes.as_ptr().cast(),
                bytes.len() as isize,
            ))
        }
    }

    /// A byte array.
    #[inline]
    pub fn bytes(bytes: &[u8]) -> Obj {
        // SAFETY: Tcl copies the bytes.
        unsafe { Obj::from_raw((api().new_byte_array_obj)(bytes.as_ptr(), bytes.len() as isize)) }
    }

    /// An integer. Above `i64::MAX` the value is clamped: no counter of ours gets there.
    pub fn int(value: u64) -> Obj {
        Obj::signed(i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// An integer that may be negative.
    pub fn signed(value: i64) -> Obj {
        // SAFETY: a fresh value.
        unsafe { Obj::from_raw((api().new_wide_int_obj)(value)) }
    }

    /// A list of the elements.
    pub fn list(elements: &[Obj]) -> Obj {
        // SAFETY: `Obj` is transparent over the pointer; Tcl takes its own references.
        unsafe {
            Obj::from_raw((api().new_list_obj)(
                elements.len() as isize,
                elements.as_ptr().cast(),
            ))
        }
    }

    /// A dict of the pairs, in their order.
    pub fn dict<K: Borrow<Obj>>(pairs: impl IntoIterator<Item = (K, Obj)>) -> Obj {
        // SAFETY: a fresh, unshared dict; Tcl takes its own references to keys and values.
        unsafe {
            let dict = Obj::from_raw((api().new_dict_obj)());
            for (key, value) in pairs {
                (api().dict_obj_put)(std::ptr::null_mut(), dict.raw(), key.borrow().raw(), value.raw());
            }
            dict
        }
    }

    /// A dict of the fields, in their order.
    pub fn record(fields: &[(&str, Obj)]) -> Obj {
        Obj::dict(
            fields
                .iter()
                .map(|(name, value)| (Obj::text(name), value.clone())),
        )
    }

    /// The string representation in Tcl's form of UTF-8 (NUL as two bytes).
    ///
    /// The slice is valid while nothing else touches the value.
    #[inline]
    pub fn modified_utf8(&self) -> &[u8] {
        // SAFETY: the head of a value is public; with a string it tells where that is and how long.
        unsafe {
            let head = &*self.raw();
            if !head.bytes.is_null() {
                return std::slice::from_raw_parts(head.bytes.cast(), api().out_size(&head.length));
            }
        }
        let mut length = 0isize;
        // SAFETY: Tcl returns its own buffer of that length, alive as long as the value's string
        // representation, which no code of ours invalidates while it holds this borrow.
        unsafe {
            let start = (api().get_string_from_obj)(self.raw(), &mut length);
            std::slice::from_raw_parts(start.cast(), api().out_size(&length))
        }
    }

    /// Whether both are the same value in memory, so surely equal.
    pub fn is(&self, other: &Obj) -> bool {
        self.0 == other.0
    }

    /// Whether the string is empty. A list with elements, as callbacks are, need not become a string
    /// for that.
    pub fn is_empty(&self) -> bool {
        let api = api();
        // SAFETY: the head of a value is public.
        let head = unsafe { &*self.raw() };
        if head.bytes.is_null() && head.type_ptr == api.list_type {
            let (mut count, mut start) = (0isize, std::ptr::null_mut());
            // SAFETY: a live list lends its array.
            unsafe {
                (api.list_obj_get_elements)(std::ptr::null_mut(), self.raw(), &mut count, &mut start);
            }
            return api.out_size(&count) == 0;
        }
        self.modified_utf8().is_empty()
    }

    /// The string; what Unicode has no form for (lone surrogates) becomes U+FFFD.
    pub fn to_text(&self) -> Cow<'_, str> {
        text::from_modified(self.modified_utf8())
    }

    /// The value as bytes, one per character, without changing its internal representation.
    /// `None` if a character is above U+00FF.
    #[inline]
    pub fn to_bytes(&self) -> Option<Cow<'_, [u8]>> {
        let api = api();
        // SAFETY: the head of a value is public.
        let head = unsafe { &*self.raw() };
        // With a string representation the string counts: 8.6 makes (lossy) byte arrays of any
        // string and keeps both.
        if head.type_ptr == api.byte_array_type && head.bytes.is_null() {
            // SAFETY: a live byte array; the borrow keeps our reference.
            return Some(Cow::Borrowed(unsafe { api.byte_array(self.raw()) }));
        }
        text::modified_to_latin1(self.modified_utf8())
    }

    /// The elements of a list.
    pub fn elements(&self, interp: &Interp) -> Result<Vec<Obj>> {
        let mut count = 0isize;
        let mut start = std::ptr::null_mut();
        // SAFETY: on success Tcl lends an array of that many live values; each is counted before
        // anything else runs.
        unsafe {
            if (api().list_obj_get_elements)(interp.raw(), self.raw(), &mut count, &mut start) != sys::TCL_OK
            {
                return Err(Error::from_interp(interp));
            }
            let count = api().out_size(&count);
            Ok((0..count).map(|i| Obj::from_raw(*start.add(i))).collect())
        }
    }

    /// The value of a key in a dict; `None` if it is missing.
    pub fn get(&self, interp: &Interp, key: &Obj) -> Result<Option<Obj>> {
        let mut value = std::ptr::null_mut();
        // SAFETY: on success Tcl stores null or a live value.
        unsafe {
            if (api().dict_obj_get)(interp.raw(), self.raw(), key.raw(), &mut value) != sys::TCL_OK {
                return Err(Error::from_interp(interp));
            }
            Ok((!value.is_null()).then(|| Obj::from_raw(value)))
        }
    }

    /// The value of a key in a dict, or Tcl's own error for a missing one.
    pub fn expect(&self, interp: &Interp, key: &Obj) -> Result<Obj> {
        self.get(interp, key)?.ok_or_else(|| {
            let name = key.to_text();
            Error::tcl(
                ["TCL", "LOOKUP", "DICT", &name],
                format!("key \"{name}\" not known in dictionary"),
            )
        })
    }

    /// Whether the value is a dict.
    pub fn is_dict(&self) -> bool {
        let mut size = 0isize;
        // SAFETY: without an interpreter no message is left; `size` takes either width.
        unsafe { (api().dict_obj_size)(std::ptr::null_mut(), self.raw(), &mut size) == sys::TCL_OK }
    }

    /// Whether the value is an integer, of whatever size.
    pub fn is_integer(&self) -> bool {
        self.to_plain_integer().is_some()
    }

    /// An integer of whatever size and radix in decimal digits.
    pub fn to_decimal(&self) -> Option<String> {
        self.to_plain_integer()
            .map(|number| number.to_text().into_owned())
    }

    /// The same integer as a value without a string representation.
    fn to_plain_integer(&self) -> Option<Obj> {
        let mut number = [0u64; 4];
        // SAFETY: a `mp_int` fits into the space; the new value takes over its digits.
        unsafe {
            let taken =
                (api().get_bignum_from_obj)(std::ptr::null_mut(), self.raw(), number.as_mut_ptr().cast());
            (taken == sys::TCL_OK).then(|| Obj::from_raw((api().new_bignum_obj)(number.as_mut_ptr().cast())))
        }
    }

    /// The pairs of a dict, in their order.
    pub fn pairs(&self, interp: &Interp) -> Result<Vec<(Obj, Obj)>> {
        let mut search = sys::RawDictSearch::default();
        let (mut key, mut value, mut done) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        let mut pairs = Vec::new();
        // SAFETY: the search is begun before it is continued and ended after; key and value are
        // live until the next step, and counted before.
        unsafe {
            let first = api().dict_obj_first;
            if first(
                interp.raw(),
                self.raw(),
                &mut search,
                &mut key,
                &mut value,
                &mut done,
            ) != sys::TCL_OK
            {
                return Err(Error::from_interp(interp));
            }
            while done == 0 {
                pairs.push((Obj::from_raw(key), Obj::from_raw(value)));
                (api().dict_obj_next)(&mut search, &mut key, &mut value, &mut done);
            }
            (api().dict_obj_done)(&mut search);
        }
        Ok(pairs)
    }

    /// The string as a C string; what follows a NUL is cut off.
    pub(super) fn to_c_string(&self) -> std::ffi::CString {
        let bytes = self.modified_utf8();
        let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
        std::ffi::CString::new(&bytes[..end]).unwrap_or_default()
    }

    /// The value as an integer, if it is one that fits.
    pub fn to_int(&self) -> Option<i64> {
        let mut value = 0i64;
        // SAFETY: without an interpreter no message is left; `value` is a wide integer.
        let status = unsafe { (api().get_wide_int_from_obj)(std::ptr::null_mut(), self.raw(), &mut value) };
        (status == sys::TCL_OK).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_pointer() {
        assert_eq!(size_of::<Obj>(), size_of::<*mut RawObj>());
        assert_eq!(size_of::<Option<Obj>>(), size_of::<*mut RawObj>());
    }
}
