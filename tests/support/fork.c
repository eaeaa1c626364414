/*
 * Commands for the tests of fork: ::forktest::fork, ::forktest::waitpid and ::forktest::_exit.
 *
 * The Tcl functions are declared by hand and found in the running shell's shared libtcl, so one
 * file does for Tcl 8.6 and 9 (not for a statically linked shell).
 */
#include <sys/wait.h>
#include <unistd.h>

typedef struct Tcl_Interp Tcl_Interp;
typedef struct Tcl_Obj Tcl_Obj;
typedef int Command(void *data, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]);

extern void *Tcl_CreateObjCommand(Tcl_Interp *, const char *, Command *, void *, void (*)(void *));
extern Tcl_Obj *Tcl_NewWideIntObj(long long value);
extern int Tcl_GetWideIntFromObj(Tcl_Interp *, Tcl_Obj *, long long *value);
extern void Tcl_SetObjResult(Tcl_Interp *, Tcl_Obj *);
extern const char *Tcl_PosixError(Tcl_Interp *);
extern Tcl_Obj *Tcl_NewStringObj(const char *bytes, long length);

enum { TCL_OK, TCL_ERROR };

static int posix_error(Tcl_Interp *interp) {
    Tcl_SetObjResult(interp, Tcl_NewStringObj(Tcl_PosixError(interp), -1));
    return TCL_ERROR;
}

static int one_number(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[], long long *value) {
    if (objc != 2) {
        Tcl_SetObjResult(interp, Tcl_NewStringObj("wrong # args: should be one number", -1));
        return TCL_ERROR;
    }
    return Tcl_GetWideIntFromObj(interp, objv[1], value);
}

/* fork: the child's pid in the parent, 0 in the child. */
static int fork_command(void *data, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]) {
    pid_t pid = fork();
    if (pid < 0) return posix_error(interp);
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(pid));
    return TCL_OK;
}

/* waitpid pid: the exit code of that child, or minus the number of the signal that ended it. */
static int waitpid_command(void *data, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]) {
    long long pid;
    int status;
    if (one_number(interp, objc, objv, &pid) != TCL_OK) return TCL_ERROR;
    if (waitpid((pid_t) pid, &status, 0) < 0) return posix_error(interp);
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(
        WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status)));
    return TCL_OK;
}

/* _exit code: ends the process at once, without Tcl's exit handlers. */
static int exit_command(void *data, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]) {
    long long code;
    if (one_number(interp, objc, objv, &code) != TCL_OK) return TCL_ERROR;
    _exit((int) code);
}

int Forktest_Init(Tcl_Interp *interp) {
    Tcl_CreateObjCommand(interp, "::forktest::fork", fork_command, 0, 0);
    Tcl_CreateObjCommand(interp, "::forktest::waitpid", waitpid_command, 0, 0);
    Tcl_CreateObjCommand(interp, "::forktest::_exit", exit_command, 0, 0);
    return TCL_OK;
}
