/*
 * What Tcl itself costs, as the measure for the package: commands that do the unavoidable part of
 * a publish and of a delivery, and nothing else.
 *
 *   floors::equip CLASS                      gives a TclOO class a native method "publish" that
 *                                            does nothing
 *   floors::deliver COUNT PAYLOAD COMMAND    calls COMMAND with a subject, the payload and a reply,
 *                                            COUNT times with fresh values
 *   floors::deliver_dict COUNT PAYLOAD COMMAND   the same with a message dict with two headers in
 *                                            place of the payload
 *
 * The Tcl functions are declared by hand and found in the running shell's shared libtcl, so one
 * file does for Tcl 8.6 and 9. TclOO's are reached through its stub table: an int, a pointer, then
 * the functions by number.
 */
typedef struct Tcl_Interp Tcl_Interp;
typedef struct Tcl_Obj Tcl_Obj;
typedef int Command(void *data, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]);
typedef int Method(void *data, Tcl_Interp *interp, void *context, int objc, Tcl_Obj *const objv[]);

extern void *Tcl_CreateObjCommand(Tcl_Interp *, const char *, Command *, void *, void (*)(void *));
extern const char *Tcl_PkgRequireEx(Tcl_Interp *, const char *, const char *, int exact, void *table);
extern int Tcl_EvalObjv(Tcl_Interp *, long objc, Tcl_Obj *const objv[], int flags);
extern int Tcl_GetWideIntFromObj(Tcl_Interp *, Tcl_Obj *, long long *value);
extern const char *Tcl_GetString(Tcl_Obj *);
extern Tcl_Obj *Tcl_NewStringObj(const char *bytes, long length);
extern Tcl_Obj *Tcl_NewListObj(long count, Tcl_Obj *const elements[]);
extern Tcl_Obj *Tcl_NewWideIntObj(long long);
extern Tcl_Obj *Tcl_NewDictObj(void);
extern int Tcl_DictObjPut(Tcl_Interp *, Tcl_Obj *dict, Tcl_Obj *key, Tcl_Obj *value);
extern Tcl_Obj *Tcl_NewByteArrayObj(const unsigned char *bytes, long length);
extern void Tcl_DbIncrRefCount(Tcl_Obj *, const char *file, int line);
extern void Tcl_DbDecrRefCount(Tcl_Obj *, const char *file, int line);
extern void Tcl_SetObjResult(Tcl_Interp *, Tcl_Obj *);

enum { TCL_OK, TCL_ERROR, TCL_EVAL_GLOBAL = 0x20000, METHOD_VERSION = 1 };
enum { OBJECT_AS_CLASS = 2, OBJECT_FROM_OBJ = 4, NEW_METHOD = 12 };

struct MethodType {
    int version;
    const char *name;
    Method *call;
    void *delete, *clone;
};

struct Oo {
    int magic;
    void *hooks;
    void *function[NEW_METHOD + 1];
};

static const struct Oo *oo;

static int usage(Tcl_Interp *interp, const char *words) {
    Tcl_SetObjResult(interp, Tcl_NewStringObj(words, -1));
    return TCL_ERROR;
}

static int nothing(void *data, Tcl_Interp *interp, void *context, int objc, Tcl_Obj *const objv[]) {
    return TCL_OK;
}

static int equip(void *data, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]) {
    static const struct MethodType type = {METHOD_VERSION, "publish", nothing, 0, 0};
    void *(*object_from_obj)(Tcl_Interp *, Tcl_Obj *) = oo->function[OBJECT_FROM_OBJ];
    void *(*object_as_class)(void *) = oo->function[OBJECT_AS_CLASS];
    void *(*new_method)(Tcl_Interp *, void *class, Tcl_Obj *name, int is_public,
        const struct MethodType *, void *data) = oo->function[NEW_METHOD];
    if (objc != 2) return usage(interp, "wrong # args: should be \"floors::equip class\"");
    void *object = object_from_obj(interp, objv[1]);
    void *class = object ? object_as_class(object) : 0;
    if (!class) return TCL_ERROR;
    new_method(interp, class, Tcl_NewStringObj(type.name, -1), 1, &type, 0);
    return TCL_OK;
}

static Tcl_Obj *text(const char *words) {
    return Tcl_NewStringObj(words, -1);
}

static Tcl_Obj *bytes(const char *payload, long length) {
    return Tcl_NewByteArrayObj((const unsigned char *)payload, length);
}

static void put_header(Tcl_Obj *headers, const char *key, const char *value) {
    Tcl_Obj *values[] = {text(value)};
    Tcl_DictObjPut(0, headers, text(key), Tcl_NewListObj(1, values));
}

/* The keys are made once, as a client does that thinks of it. */
static Tcl_Obj *message_dict(const char *payload, long length) {
    static Tcl_Obj *keys[5];
    static const char *const names[5] = {"header", "data", "subject", "reply", "sub_id"};
    Tcl_Obj *message = Tcl_NewDictObj(), *headers = Tcl_NewDictObj();
    put_header(headers, "Bench-Number", "12345");
    put_header(headers, "Bench-Text", "some text");
    Tcl_Obj *values[5] = {headers, bytes(payload, length), text("bench.dict"), text(""), Tcl_NewWideIntObj(1)};
    for (int i = 0; i < 5; i++) {
        if (!keys[i]) Tcl_DbIncrRefCount(keys[i] = text(names[i]), __FILE__, __LINE__);
        Tcl_DictObjPut(0, message, keys[i], values[i]);
    }
    return message;
}

static int deliver(void *make, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]) {
    long long count;
    if (objc != 4) return usage(interp, "wrong # args: should be \"floors::deliver count payload command\"");
    if (Tcl_GetWideIntFromObj(interp, objv[1], &count) != TCL_OK) return TCL_ERROR;
    const char *payload = Tcl_GetString(objv[2]);
    Tcl_Obj *(*content)(const char *, long) = make;
    long length = __builtin_strlen(payload);
    for (long long i = 0; i < count; i++) {
        Tcl_Obj *words[] = {objv[3], text("bench.subject"), content(payload, length), text("")};
        for (int word = 0; word < 4; word++) Tcl_DbIncrRefCount(words[word], __FILE__, __LINE__);
        int status = Tcl_EvalObjv(interp, 4, words, TCL_EVAL_GLOBAL);
        for (int word = 0; word < 4; word++) Tcl_DbDecrRefCount(words[word], __FILE__, __LINE__);
        if (status != TCL_OK) return status;
    }
    return TCL_OK;
}

int Floors_Init(Tcl_Interp *interp) {
    if (!Tcl_PkgRequireEx(interp, "TclOO", "1.0", 0, &oo)) return TCL_ERROR;
    Tcl_CreateObjCommand(interp, "::floors::equip", equip, 0, 0);
    Tcl_CreateObjCommand(interp, "::floors::deliver", deliver, bytes, 0);
    Tcl_CreateObjCommand(interp, "::floors::deliver_dict", deliver, message_dict, 0);
    return TCL_OK;
}
