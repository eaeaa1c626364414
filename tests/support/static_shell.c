/*
 * A tclsh with Tcl linked in: what the single-file Tcl distributions are. Such a shell exports no
 * Tcl symbols, so an extension that does not go through the stub table cannot load in it.
 * Declared by hand, to need no development package.
 */
typedef struct Tcl_Interp Tcl_Interp;
extern void Tcl_Main(int argc, char **argv, int (*init)(Tcl_Interp *));
extern int Tcl_Init(Tcl_Interp *interp);

int main(int argc, char **argv) {
    Tcl_Main(argc, argv, Tcl_Init);
    return 0;
}
