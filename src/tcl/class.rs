//! TclOO classes with native methods.
//!
//! An object's Rust value hangs on it as metadata, whose delete proc is the only hook that always
//! runs: destructors are skipped by `interp delete` and by a subclass that does not call `next`.
//! So the value's final cleanup belongs into [`Instance::deleted`], and a destructor only does
//! what needs a working interpreter.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::rc::Rc;

use super::call::{Call, Reply, settle};
use super::error::{Error, Result};
use super::guard;
use super::hooks;
use super::interp::Interp;
use super::obj::Obj;
use super::sys::{
    self, RawClass, RawContext, RawInterp, RawMetadataType, RawMethod, RawMethodType, RawObj, RawObject, api,
    oo,
};
use super::work::Work;

/// The Rust value behind an object of a class.
pub trait Instance: Sized + 'static {
    /// The class's metadata type: a `static`, since TclOO tells types apart by address.
    fn metadata() -> &'static Metadata<Self>;
    /// The interpreter that the object lives in.
    fn interp(&self) -> &Interp;
    /// The object is gone, for whatever reason; no script may be run.
    fn deleted(&self);
}

/// Identifies a class's metadata; make one `static` per class.
pub struct Metadata<T> {
    raw: RawMetadataType,
    of: PhantomData<fn() -> T>,
}

impl<T: Instance> Metadata<T> {
    pub const fn new(class: &'static CStr) -> Metadata<T> {
        let raw = RawMetadataType {
            version: sys::TCL_OO_METADATA_VERSION,
            name: class.as_ptr(),
            delete: metadata_deleted::<T>,
            clone: metadata_cloned,
        };
        Metadata { raw, of: PhantomData }
    }

    fn name(&self) -> &'static CStr {
        // SAFETY: `new` stored a static text that ends in NUL.
        unsafe { CStr::from_ptr(self.raw.name) }
    }
}

/// A native method. Must live in a `static`.
pub struct Method<T> {
    raw: RawMethodType,
    public: bool,
    run: fn(&Rc<T>, &Call) -> Result<Reply>,
}

impl<T: Instance> Method<T> {
    pub const fn public(name: &'static CStr, run: fn(&Rc<T>, &Call) -> Result<Reply>) -> Method<T> {
        Method {
            raw: method_type(name, method_entry::<T>),
            public: true,
            run,
        }
    }

    /// A method for our own scripts, which call it by `my`.
    pub const fn private(name: &'static CStr, run: fn(&Rc<T>, &Call) -> Result<Reply>) -> Method<T> {
        Method {
            public: false,
            ..Method::public(name, run)
        }
    }
}

/// What an object is at birth.
pub struct Birth<'a> {
    pub interp: &'a Interp,
    /// The object's own namespace, fully qualified.
    pub namespace: String,
    /// The object's command, fully qualified.
    pub name: String,
}

/// Makes an object's value and says what is to be done, and perhaps waited for, once the object has
/// it. Should that fail, the object is destroyed.
pub type Construct<T> = fn(&Birth, &Call) -> Result<(Rc<T>, Reply)>;

/// A native constructor. Must live in a `static`.
pub struct Constructor<T> {
    raw: RawMethodType,
    run: Construct<T>,
}

impl<T: Instance> Constructor<T> {
    pub const fn new(run: Construct<T>) -> Constructor<T> {
        Constructor {
            raw: method_type(c"constructor", constructor_entry::<T>),
            run,
        }
    }
}

/// A native destructor: what `destroy` does while scripts can still run. Must live in a `static`.
pub struct Destructor<T> {
    raw: RawMethodType,
    run: fn(&Rc<T>) -> Work,
}

impl<T: Instance> Destructor<T> {
    pub const fn new(run: fn(&Rc<T>) -> Work) -> Destructor<T> {
        Destructor {
            raw: method_type(c"destructor", destructor_entry::<T>),
            run,
        }
    }
}

/// Gives an existing class its native constructor, destructor and methods.
pub fn equip<T: Instance>(
    interp: &Interp,
    class_name: &str,
    constructor: &'static Constructor<T>,
    destructor: &'static Destructor<T>,
    methods: &'static [Method<T>],
) -> Result {
    let class = find_class(interp, class_name)?;
    // SAFETY: the method types and their data are statics; a null name makes a method that only
    // the class itself refers to.
    unsafe {
        let nameless = std::ptr::null_mut();
        let made = (oo().new_method)(
            interp.raw(),
            class,
            nameless,
            1,
            &constructor.raw,
            data(constructor),
        );
        (oo().class_set_constructor)(interp.raw(), class, made);
        let made = (oo().new_method)(
            interp.raw(),
            class,
            nameless,
            1,
            &destructor.raw,
            data(destructor),
        );
        (oo().class_set_destructor)(interp.raw(), class, made);
    }
    add_methods(interp, class_name, methods)
}

/// Gives an existing class more native methods.
pub fn add_methods<T: Instance>(interp: &Interp, class_name: &str, methods: &'static [Method<T>]) -> Result {
    let class = find_class(interp, class_name)?;
    for method in methods {
        // SAFETY: the method's type and its data are statics; Tcl takes its own reference to the
        // name.
        unsafe {
            let name = Obj::from_raw((api().new_string_obj)(method.raw.name, -1));
            let _: RawMethod = (oo().new_method)(
                interp.raw(),
                class,
                name.raw(),
                c_int::from(method.public),
                &method.raw,
                data(method),
            );
        }
    }
    Ok(())
}

/// Makes an object of a class; `make` takes the place of the constructor, which is not called.
pub fn create<T: Instance>(
    interp: &Interp,
    class_name: &str,
    make: impl FnOnce(&Birth) -> Rc<T>,
) -> Result<Rc<T>> {
    let class = find_class(interp, class_name)?;
    let null = std::ptr::null();
    // SAFETY: a negative number of words means that no constructor runs; the object is alive, and
    // its metadata owns one count, given back by `metadata_deleted`.
    unsafe {
        let object = (oo().new_object_instance)(interp.raw(), class, null, null, -1, std::ptr::null(), 0);
        if object.is_null() {
            return Err(Error::from_interp(interp));
        }
        let value = make(&birth(interp, object));
        let counted = Rc::into_raw(value.clone()).cast_mut().cast();
        (oo().object_set_metadata)(object, &T::metadata().raw, counted);
        Ok(value)
    }
}

/// The value of the object with this name.
///
/// # Errors
/// There is no such object (Tcl's own error), it is of another class, or was never constructed.
pub fn find<T: Instance>(interp: &Interp, name: &Obj) -> Result<Rc<T>> {
    let object = find_object(interp, name)?;
    // SAFETY: the object is alive while no script runs.
    unsafe { instance::<T>(object) }.ok_or_else(|| {
        let class = T::metadata().name().to_string_lossy();
        Error::nats("ErrInvalidArg", format!("{} is no {class}", name.to_text()))
    })
}

/// The namespace of the object with this name, fully qualified.
pub fn namespace_of(interp: &Interp, name: &Obj) -> Result<String> {
    let object = find_object(interp, name)?;
    // SAFETY: as above.
    Ok(unsafe { full_namespace(object) })
}

fn find_class(interp: &Interp, class: &str) -> Result<RawClass> {
    let object = find_object(interp, &Obj::text(class))?;
    // SAFETY: the object is alive.
    let class = unsafe { (oo().get_object_as_class)(object) };
    if class.is_null() {
        return Err(Error::from_interp(interp));
    }
    Ok(class)
}

fn find_object(interp: &Interp, name: &Obj) -> Result<RawObject> {
    // SAFETY: TclOO answers null and leaves a message when there is no such object.
    let object = unsafe { (oo().get_object_from_obj)(interp.raw(), name.raw()) };
    if object.is_null() {
        return Err(Error::from_interp(interp));
    }
    Ok(object)
}

unsafe fn full_namespace(object: RawObject) -> String {
    // SAFETY: the caller vouches for the object, which owns its namespace.
    unsafe {
        let namespace: *const c_char = (*(oo().get_object_namespace)(object)).full_name;
        CStr::from_ptr(namespace).to_string_lossy().into_owned()
    }
}

fn data<S>(of: &'static S) -> *mut c_void {
    std::ptr::from_ref(of).cast_mut().cast()
}

const fn method_type(name: &'static CStr, call: sys::MethodProc) -> RawMethodType {
    RawMethodType {
        version: sys::TCL_OO_METHOD_VERSION,
        name: name.as_ptr(),
        call,
        delete: None,
        clone: None,
    }
}

/// The value behind the object of a call, counted so that it outlives the object if need be.
unsafe fn instance<T: Instance>(object: RawObject) -> Option<Rc<T>> {
    // SAFETY: metadata of this type is only ever what `constructor_entry` attached.
    unsafe {
        let value = (oo().object_get_metadata)(object, &T::metadata().raw)
            .cast::<T>()
            .cast_const();
        if value.is_null() {
            return None;
        }
        Rc::increment_strong_count(value);
        Some(Rc::from_raw(value))
    }
}

unsafe extern "C-unwind" fn method_entry<T: Instance>(
    data: *mut c_void,
    raw: *mut RawInterp,
    context: RawContext,
    objc: c_int,
    objv: *const *mut RawObj,
) -> c_int {
    // SAFETY: `equip` passed a static method of this class; TclOO passes a live context.
    let (method, object, skip) = unsafe {
        let skip = api().size((oo().object_context_skipped_args)(context));
        (
            &*data.cast::<Method<T>>(),
            (oo().object_context_object)(context),
            skip,
        )
    };
    // SAFETY: the object is alive while its method is called.
    let Some(value) = (unsafe { instance::<T>(object) }) else {
        // SAFETY: Tcl passes its live interpreter.
        let interp = unsafe { Interp::from_raw(raw) };
        return unconstructed().leave(&interp);
    };
    let reply = guard::catch(|| {
        hooks::refuse_fork()?;
        // SAFETY: Tcl passes the words of the call.
        (method.run)(&value, &unsafe { Call::new(value.interp(), objc, objv, skip) })
    });
    if matches!(reply, Ok(Reply::Empty)) {
        return sys::TCL_OK;
    }
    let interp = value.interp().clone();
    drop(value);
    settle(interp, reply)
}

fn unconstructed() -> Error {
    Error::nats(
        "ErrNotConstructed",
        "this object was never constructed: the constructor of its class must call \"next\"",
    )
}

unsafe extern "C-unwind" fn constructor_entry<T: Instance>(
    data: *mut c_void,
    raw: *mut RawInterp,
    context: RawContext,
    objc: c_int,
    objv: *const *mut RawObj,
) -> c_int {
    // SAFETY: `equip` passed the class's static constructor; TclOO passes a live context.
    let (constructor, object, skip, interp) = unsafe {
        let skip = api().size((oo().object_context_skipped_args)(context));
        (
            &*data.cast::<Constructor<T>>(),
            (oo().object_context_object)(context),
            skip,
            Interp::from_raw(raw),
        )
    };
    let made = guard::catch(|| {
        hooks::refuse_fork()?;
        // SAFETY: Tcl passes the words of the call, and the object is alive.
        let (call, birth) = unsafe { (Call::new(&interp, objc, objv, skip), birth(&interp, object)) };
        let (value, reply) = (constructor.run)(&birth, &call)?;
        // SAFETY: the metadata owns one count, given back by `metadata_deleted`.
        unsafe {
            let value = Rc::into_raw(value).cast_mut().cast();
            (oo().object_set_metadata)(object, &T::metadata().raw, value);
        }
        Ok(reply)
    });
    settle(interp, made)
}

unsafe fn birth(interp: &Interp, object: RawObject) -> Birth<'_> {
    // SAFETY: the object is alive, so are its namespace and its name.
    unsafe {
        let name = Obj::from_raw((oo().get_object_name)(interp.raw(), object));
        Birth {
            interp,
            namespace: full_namespace(object),
            name: name.to_text().into_owned(),
        }
    }
}

unsafe extern "C-unwind" fn destructor_entry<T: Instance>(
    data: *mut c_void,
    _: *mut RawInterp,
    context: RawContext,
    _: c_int,
    _: *const *mut RawObj,
) -> c_int {
    // SAFETY: `equip` passed the class's static destructor; the object is alive until it returns.
    let (destructor, value) = unsafe {
        let object = (oo().object_context_object)(context);
        (&*data.cast::<Destructor<T>>(), instance::<T>(object))
    };
    let Some(value) = value.filter(|_| !hooks::forked()) else {
        return sys::TCL_OK;
    };
    let interp = value.interp().clone();
    let reply = guard::catch(|| Ok(Reply::Then((destructor.run)(&value), Box::new(Reply::Empty))));
    drop(value);
    settle(interp, reply)
}

unsafe extern "C-unwind" fn metadata_deleted<T: Instance>(data: *mut c_void) {
    guard::contain(|| {
        // SAFETY: the count that `constructor_entry` gave to the metadata.
        let value = unsafe { Rc::from_raw(data.cast::<T>().cast_const()) };
        if hooks::forked() {
            // Its locks may be held by threads that exist only in the parent.
            std::mem::forget(value);
        } else {
            value.deleted();
        }
    });
}

unsafe extern "C-unwind" fn metadata_cloned(
    raw: *mut RawInterp,
    _: *mut c_void,
    _: *mut *mut c_void,
) -> c_int {
    // SAFETY: Tcl passes its live interpreter.
    let interp = unsafe { Interp::from_raw(raw) };
    Error::nats(
        "ErrInvalidArg",
        "objects of package nats cannot be copied: create a new one",
    )
    .leave(&interp)
}
