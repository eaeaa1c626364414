//! The Tcl C API as it lies in memory: types, constants and the stub tables.
//!
//! A Tcl extension reaches the interpreter through tables of function pointers, so the same
//! library file loads into any Tcl from 8.6 to 9.x, dynamic or static. [`slots`] names the
//! entries that this package uses; nothing else in the crate knows their numbers.

mod slots;

use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

pub use slots::{Api, OoApi};

pub const TCL_OK: c_int = 0;
pub const TCL_ERROR: c_int = 1;

pub const TCL_GLOBAL_ONLY: c_int = 1;
pub const TCL_LEAVE_ERR_MSG: c_int = 0x200;
pub const TCL_EVAL_GLOBAL: c_int = 0x2_0000;

pub const TCL_LIMIT_TIME: c_int = 2;

pub const TCL_DONT_WAIT: c_int = 1 << 1;
pub const TCL_FILE_EVENTS: c_int = 1 << 3;
/// Everything but `TCL_DONT_WAIT`.
pub const TCL_ALL_EVENTS: c_int = !TCL_DONT_WAIT;
pub const TCL_QUEUE_TAIL: c_int = 0;

pub const TCL_OO_METHOD_VERSION: c_int = 1;
pub const TCL_OO_METADATA_VERSION: c_int = 1;

/// The head of `Tcl_Interp`, the part that extensions may look at.
#[repr(C)]
pub struct RawInterp {
    result: *mut c_char,
    free_proc: *mut c_void,
    error_line: c_int,
    pub(super) stubs: *const StubTable,
}

/// The head of a stub table; its slots follow.
#[repr(C)]
pub struct StubTable {
    magic: c_int,
    hooks: *const c_void,
    slots: [*const c_void; 0],
}

/// The head of `Tcl_Obj`. The counters' width differs between 8.6 and 9, their places do not.
#[repr(C)]
pub struct RawObj {
    ref_count: isize,
    pub(super) bytes: *mut c_char,
    pub(super) length: isize,
    pub(super) type_ptr: *const c_void,
}

/// The head of `Tcl_Namespace`.
#[repr(C)]
pub struct RawNamespace {
    name: *const c_char,
    pub(super) full_name: *const c_char,
}

/// `Tcl_Time`.
#[repr(C)]
pub struct RawTime {
    pub sec: std::ffi::c_long,
    pub usec: std::ffi::c_long,
}

/// `Tcl_DictSearch`: a pointer, a counter of either width, a pointer.
#[repr(C)]
pub struct RawDictSearch {
    next: *mut c_void,
    epoch: usize,
    dictionary: *mut c_void,
}

impl Default for RawDictSearch {
    fn default() -> Self {
        RawDictSearch {
            next: std::ptr::null_mut(),
            epoch: 0,
            dictionary: std::ptr::null_mut(),
        }
    }
}

/// `Tcl_Event`: Tcl owns and frees it.
#[repr(C)]
pub struct RawEvent {
    pub proc: EventProc,
    pub next: *mut RawEvent,
}

/// `Tcl_MethodType`, version 1.
#[repr(C)]
pub struct RawMethodType {
    pub version: c_int,
    pub name: *const c_char,
    pub call: MethodProc,
    pub delete: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
    pub clone: Option<unsafe extern "C-unwind" fn(*mut RawInterp, *mut c_void, *mut *mut c_void) -> c_int>,
}

/// `Tcl_ObjectMetadataType`, version 1.
#[repr(C)]
pub struct RawMetadataType {
    pub version: c_int,
    pub name: *const c_char,
    pub delete: unsafe extern "C-unwind" fn(*mut c_void),
    pub clone: unsafe extern "C-unwind" fn(*mut RawInterp, *mut c_void, *mut *mut c_void) -> c_int,
}

// SAFETY: both are constant tables; their pointers lead to constant text and code.
unsafe impl Sync for RawMethodType {}
// SAFETY: as above.
unsafe impl Sync for RawMetadataType {}

pub type RawObject = *mut c_void;
pub type RawClass = *mut c_void;
pub type RawMethod = *mut c_void;
pub type RawContext = *mut c_void;
pub type RawCommand = *mut c_void;
pub type RawThread = *mut c_void;

pub type EventProc = unsafe extern "C-unwind" fn(*mut RawEvent, c_int) -> c_int;
pub type EventDeleteProc = unsafe extern "C-unwind" fn(*mut RawEvent, *mut c_void) -> c_int;
pub type SourceProc = unsafe extern "C-unwind" fn(*mut c_void, c_int);
pub type ExitProc = unsafe extern "C-unwind" fn(*mut c_void);
pub type InterpDeleteProc = unsafe extern "C-unwind" fn(*mut c_void, *mut RawInterp);
pub type CommandProc =
    unsafe extern "C-unwind" fn(*mut c_void, *mut RawInterp, c_int, *const *mut RawObj) -> c_int;
pub type CommandDeleteProc = unsafe extern "C-unwind" fn(*mut c_void);
pub type MethodProc =
    unsafe extern "C-unwind" fn(*mut c_void, *mut RawInterp, RawContext, c_int, *const *mut RawObj) -> c_int;
pub type NrPostProc = unsafe extern "C-unwind" fn(*mut *mut c_void, *mut RawInterp, c_int) -> c_int;

/// Why the library cannot serve this interpreter.
pub enum InitError {
    /// The interpreter's stub table is of no version that we know.
    UnknownTcl,
    /// Another copy of Tcl in this process is already served; this one's functions.
    SecondTcl(Box<Api>),
}

static API: AtomicPtr<Api> = AtomicPtr::new(std::ptr::null_mut());
static TABLE: AtomicPtr<StubTable> = AtomicPtr::new(std::ptr::null_mut());
static LOADING: Mutex<()> = Mutex::new(());
static OO: AtomicPtr<OoApi> = AtomicPtr::new(std::ptr::null_mut());

/// The functions of the Tcl that loaded us.
///
/// # Panics
/// When called before [`init`], which only a programming error can do.
#[inline]
pub fn api() -> &'static Api {
    // SAFETY: the pointer is null or a leaked box that is never changed.
    unsafe { API.load(Ordering::Acquire).as_ref() }.expect("the stub table is read at load time")
}

/// The functions of TclOO, after [`init_oo`].
#[inline]
pub fn oo() -> &'static OoApi {
    // SAFETY: as for `api`.
    unsafe { OO.load(Ordering::Acquire).as_ref() }.expect("TclOO is asked for at load time")
}

/// Reads the stub table of the interpreter that loads the library.
///
/// # Safety
/// `interp` is a live interpreter.
pub unsafe fn init(interp: *mut RawInterp) -> Result<(), InitError> {
    // SAFETY: the head of Tcl_Interp is public and the same since 8.0.
    let table = unsafe { (*interp).stubs };
    if table.is_null() {
        return Err(InitError::UnknownTcl);
    }
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    let known = TABLE.load(Ordering::Acquire);
    if std::ptr::eq(known, table) {
        return Ok(());
    }
    // SAFETY: a stub table begins with its magic number, and `Api::read` checks it first.
    let api = Box::new(unsafe { Api::read(table) }.ok_or(InitError::UnknownTcl)?);
    if !known.is_null() {
        return Err(InitError::SecondTcl(api));
    }
    API.store(Box::into_raw(api), Ordering::Release);
    TABLE.store(table.cast_mut(), Ordering::Release);
    Ok(())
}

/// Takes over TclOO's stub table, as `Tcl_PkgRequireEx` delivers it.
///
/// # Safety
/// `table` is TclOO's stub table.
pub unsafe fn init_oo(table: *const c_void) -> Result<(), InitError> {
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if OO.load(Ordering::Acquire).is_null() {
        // SAFETY: the caller vouches for the table.
        let oo = unsafe { OoApi::read(table.cast()) }.ok_or(InitError::UnknownTcl)?;
        OO.store(Box::into_raw(Box::new(oo)), Ordering::Release);
    }
    Ok(())
}
