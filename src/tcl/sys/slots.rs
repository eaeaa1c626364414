//! The slots of the stub tables that this package uses.
//!
//! A line is `name = slot` or `name = slot in 8.6 / slot in 9` with the 9.x signature, checked
//! against both versions' `tclDecls.h` and `tclOODecls.h`. Tcl 8.6 has `int` where 9 has
//! `Tcl_Size`: a size is passed as `isize` (8.6 reads the low half); sizes that Tcl returns or
//! writes go through [`Api::size`] and [`Api::out_size`].
//!
//! Every function is `C-unwind`: `thread::exit` ends a thread by unwinding its C stack, and any
//! function that may run a script may end that way.

use std::ffi::{c_char, c_int, c_void};
use std::mem::transmute;

use super::*;

const MAGIC_8: c_int = 0xFCA3_BACF_u32 as c_int;
const MAGIC_9: c_int = 0xFCA3_BACB_u32.wrapping_add(size_of::<*const ()>() as u32) as c_int;

macro_rules! slots {
    (
        $(#[$doc:meta])*
        $table:ident { $($extra:ident: $extra_type:ty),* }
        $($name:ident = $old:literal $(/ $new:literal)? : ($($arg:ty),*) $(-> $ret:ty)?;)*
    ) => {
        $(#[$doc])*
        pub struct $table {
            $(pub $extra: $extra_type,)*
            $(pub $name: unsafe extern "C-unwind" fn($($arg),*) $(-> $ret)?,)*
        }

        impl $table {
            /// `None` if one of the functions is missing.
            unsafe fn fill(table: *const StubTable, nine: bool $(, $extra: $extra_type)*) -> Option<$table> {
                Some($table {
                    $($extra,)*
                    $($name: {
                        let old: usize = $old;
                        let new: usize = [$old $(, $new)?][slots!(@last $($new)?)];
                        type Function = unsafe extern "C-unwind" fn($($arg),*) $(-> $ret)?;
                        // SAFETY: the slot holds a function of this signature; see the file's head.
                        unsafe {
                            transmute::<*const c_void, Function>(slot(table, if nine { new } else { old })?)
                        }
                    },)*
                })
            }
        }
    };
    (@last $new:literal) => { 1 };
    (@last) => { 0 };
}

slots! {
    /// Functions of Tcl itself.
    Api { major: c_int, byte_array_type: *const c_void, list_type: *const c_void }
    pkg_provide_ex = 0: (*mut RawInterp, *const c_char, *const c_char, *const c_void) -> c_int;
    pkg_require_ex = 1: (*mut RawInterp, *const c_char, *const c_char, c_int, *mut *const c_void) -> *const c_char;
    alloc = 3: (usize) -> *mut c_void;
    free_obj = 30: (*mut RawObj);
    get_bytes = 33 / 650: ();
    get_string_from_obj = 41 / 651: (*mut RawObj, *mut isize) -> *mut c_char;
    list_obj_get_elements = 45 / 661: (*mut RawInterp, *mut RawObj, *mut isize, *mut *mut *mut RawObj) -> c_int;
    new_byte_array_obj = 50: (*const u8, isize) -> *mut RawObj;
    new_list_obj = 53: (isize, *const *mut RawObj) -> *mut RawObj;
    new_obj = 55: () -> *mut RawObj;
    new_string_obj = 56: (*const c_char, isize) -> *mut RawObj;
    create_event_source = 92: (SourceProc, SourceProc, *mut c_void);
    create_exit_handler = 93: (ExitProc, *mut c_void);
    create_obj_command = 96: (*mut RawInterp, *const c_char, CommandProc, *mut c_void, Option<CommandDeleteProc>) -> RawCommand;
    delete_events = 105: (EventDeleteProc, *mut c_void);
    delete_event_source = 106: (SourceProc, SourceProc, *mut c_void);
    do_one_event = 115: (c_int) -> c_int;
    async_invoke = 73: (*mut RawInterp, c_int) -> c_int;
    async_ready = 75: () -> c_int;
    get_assoc_data = 150: (*mut RawInterp, *const c_char, *mut *const c_void) -> *mut c_void;
    get_obj_result = 166: (*mut RawInterp) -> *mut RawObj;
    interp_deleted = 184: (*mut RawInterp) -> c_int;
    is_safe = 185: (*mut RawInterp) -> c_int;
    obj_set_var2 = 196: (*mut RawInterp, *mut RawObj, *mut RawObj, *mut RawObj, c_int) -> *mut RawObj;
    preserve = 201: (*mut c_void);
    queue_event = 205: (*mut RawEvent, c_int);
    release = 216: (*mut c_void);
    reset_result = 217: (*mut RawInterp);
    set_assoc_data = 223: (*mut RawInterp, *const c_char, InterpDeleteProc, *mut c_void);
    set_max_block_time = 229: (*const RawTime);
    set_obj_error_code = 234: (*mut RawInterp, *mut RawObj);
    set_obj_result = 235: (*mut RawInterp, *mut RawObj);
    unset_var2 = 254: (*mut RawInterp, *const c_char, *const c_char, c_int) -> c_int;
    wrong_num_args = 264: (*mut RawInterp, isize, *const *mut RawObj, *const c_char);
    create_thread_exit_handler = 288: (ExitProc, *mut c_void);
    eval_ex = 291: (*mut RawInterp, *const c_char, isize, c_int) -> c_int;
    eval_objv = 292: (*mut RawInterp, isize, *const *mut RawObj, c_int) -> c_int;
    get_current_thread = 300: () -> RawThread;
    thread_alert = 318: (RawThread);
    get_wide_int_from_obj = 487: (*mut RawInterp, *mut RawObj, *mut i64) -> c_int;
    new_wide_int_obj = 488: (i64) -> *mut RawObj;
    dict_obj_put = 494: (*mut RawInterp, *mut RawObj, *mut RawObj, *mut RawObj) -> c_int;
    dict_obj_get = 495: (*mut RawInterp, *mut RawObj, *mut RawObj, *mut *mut RawObj) -> c_int;
    dict_obj_size = 497 / 663: (*mut RawInterp, *mut RawObj, *mut isize) -> c_int;
    dict_obj_first = 498: (*mut RawInterp, *mut RawObj, *mut RawDictSearch, *mut *mut RawObj, *mut *mut RawObj, *mut c_int) -> c_int;
    dict_obj_next = 499: (*mut RawDictSearch, *mut *mut RawObj, *mut *mut RawObj, *mut c_int);
    dict_obj_done = 500: (*mut RawDictSearch);
    new_dict_obj = 503: () -> *mut RawObj;
    get_command_from_obj = 516: (*mut RawInterp, *mut RawObj) -> RawCommand;
    get_command_full_name = 517: (*mut RawInterp, RawCommand, *mut RawObj);
    limit_ready = 522: (*mut RawInterp) -> c_int;
    limit_check = 523: (*mut RawInterp) -> c_int;
    limit_exceeded = 524: (*mut RawInterp) -> c_int;
    limit_get_granularity = 534: (*mut RawInterp, c_int) -> c_int;
    save_interp_state = 535: (*mut RawInterp, c_int) -> *mut c_void;
    restore_interp_state = 536: (*mut RawInterp, *mut c_void) -> c_int;
    set_return_options = 538: (*mut RawInterp, *mut RawObj) -> c_int;
    get_return_options = 539: (*mut RawInterp, c_int) -> *mut RawObj;
    canceled = 581: (*mut RawInterp, c_int) -> c_int;
    new_bignum_obj = 555: (*mut c_void) -> *mut RawObj;
    get_bignum_from_obj = 558: (*mut RawInterp, *mut RawObj, *mut c_void) -> c_int;
    nr_eval_obj = 584: (*mut RawInterp, *mut RawObj, c_int) -> c_int;
    nr_add_callback = 587: (*mut RawInterp, NrPostProc, *mut c_void, *mut c_void, *mut c_void, *mut c_void);
    append_obj_to_error_info = 574: (*mut RawInterp, *mut RawObj);
    background_exception = 609: (*mut RawInterp, c_int);
}

slots! {
    /// Functions of TclOO; the same in both major versions.
    OoApi {}
    get_object_as_class = 2: (RawObject) -> RawClass;
    get_object_from_obj = 4: (*mut RawInterp, *mut RawObj) -> RawObject;
    get_object_namespace = 5: (RawObject) -> *mut RawNamespace;
    new_method = 12: (*mut RawInterp, RawClass, *mut RawObj, c_int, *const RawMethodType, *mut c_void) -> RawMethod;
    new_object_instance = 13: (*mut RawInterp, RawClass, *const c_char, *const c_char, isize, *const *mut RawObj, isize) -> RawObject;
    object_context_object = 17: (RawContext) -> RawObject;
    object_context_skipped_args = 18: (RawContext) -> isize;
    object_get_metadata = 21: (RawObject, *const RawMetadataType) -> *mut c_void;
    object_set_metadata = 22: (RawObject, *const RawMetadataType, *mut c_void);
    class_set_constructor = 26: (*mut RawInterp, RawClass, RawMethod);
    class_set_destructor = 27: (*mut RawInterp, RawClass, RawMethod);
    get_object_name = 28: (*mut RawInterp, RawObject) -> *mut RawObj;
}

impl Api {
    /// Fills the table, or `None` if its magic number is unknown.
    ///
    /// # Safety
    /// `table` points to a stub table.
    pub unsafe fn read(table: *const StubTable) -> Option<Api> {
        // SAFETY: every stub table begins with its magic number.
        let major = match unsafe { (*table).magic } {
            MAGIC_8 => 8,
            MAGIC_9 => 9,
            _ => return None,
        };
        // SAFETY: the magic number tells that the slots are as listed.
        let mut api = unsafe { Api::fill(table, major == 9, major, std::ptr::null(), std::ptr::null()) }?;
        // SAFETY: fresh values, the second in the first and both released at once; they show where Tcl
        // keeps its types.
        unsafe {
            let bytes = (api.new_byte_array_obj)(std::ptr::null(), 0);
            let list = (api.new_list_obj)(1, &bytes);
            api.byte_array_type = (*bytes).type_ptr;
            api.list_type = (*list).type_ptr;
            api.count_up(list);
            api.count_down(list);
        }
        Some(api)
    }

    /// The bytes of a value that is a byte array, without converting it.
    ///
    /// # Safety
    /// `obj` is a live byte array; the slice is valid until the value changes.
    #[inline]
    pub unsafe fn byte_array<'a>(&self, obj: *mut RawObj) -> &'a [u8] {
        type Get8 = unsafe extern "C-unwind" fn(*mut RawObj, *mut isize) -> *const u8;
        type Get9 = unsafe extern "C-unwind" fn(*mut RawInterp, *mut RawObj, *mut isize) -> *const u8;
        let mut length = 0isize;
        // SAFETY: slot 33 of 8.6 and slot 650 of 9 differ in their first argument.
        unsafe {
            let start = if self.major == 8 {
                transmute::<unsafe extern "C-unwind" fn(), Get8>(self.get_bytes)(obj, &mut length)
            } else {
                transmute::<unsafe extern "C-unwind" fn(), Get9>(self.get_bytes)(
                    std::ptr::null_mut(),
                    obj,
                    &mut length,
                )
            };
            match self.out_size(&length) {
                0 => &[],
                length => std::slice::from_raw_parts(start, length),
            }
        }
    }

    /// Takes a reference, as Tcl's own macro does: values are counted too often for calls.
    ///
    /// # Safety
    /// `obj` is a live value of this thread.
    #[inline]
    pub unsafe fn count_up(&self, obj: *mut RawObj) {
        // SAFETY: the counter is the head's first field, an int in 8.6.
        unsafe {
            if self.major == 8 {
                *obj.cast::<c_int>() += 1;
            } else {
                (*obj).ref_count += 1;
            }
        }
    }

    /// Gives a reference back, and the value with the last one.
    ///
    /// # Safety
    /// A reference to `obj` belongs to the caller, who does not use it any more.
    #[inline]
    pub unsafe fn count_down(&self, obj: *mut RawObj) {
        // SAFETY: as above; Tcl frees what nobody refers to.
        unsafe {
            let left = if self.major == 8 {
                let count = obj.cast::<c_int>();
                *count -= 1;
                *count as isize
            } else {
                (*obj).ref_count -= 1;
                (*obj).ref_count
            };
            if left <= 0 {
                (self.free_obj)(obj);
            }
        }
    }

    /// What Tcl returned as a size.
    #[inline]
    pub fn size(&self, returned: isize) -> usize {
        if self.major == 8 {
            (returned as i32).max(0) as usize
        } else {
            returned.max(0) as usize
        }
    }

    /// What Tcl wrote into an `isize` that was 0 before; 8.6 wrote an `int` at its address.
    #[inline]
    pub fn out_size(&self, written: &isize) -> usize {
        if self.major == 8 {
            // SAFETY: an isize is at least as large as the int that was written to its start.
            unsafe { std::ptr::from_ref(written).cast::<c_int>().read() }.max(0) as usize
        } else {
            (*written).max(0) as usize
        }
    }
}

impl OoApi {
    /// # Safety
    /// `table` is TclOO's stub table.
    pub unsafe fn read(table: *const StubTable) -> Option<OoApi> {
        // SAFETY: TclOO's slots are the same in 8.6 and 9; see the file's head.
        unsafe { OoApi::fill(table, false) }
    }
}

/// # Safety
/// `table` is a stub table with more than `n` slots.
unsafe fn slot(table: *const StubTable, n: usize) -> Option<*const c_void> {
    // SAFETY: slots follow the head, one pointer each.
    let function = unsafe { (*table).slots.as_ptr().add(n).read() };
    (!function.is_null()).then_some(function)
}
