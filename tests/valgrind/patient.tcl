# Runs a suite where all is slow:
#
#   tclsh patient.tcl suite.test ?option value …?     (scripts/valgrind does)
#
# Under valgrind the first TLS handshake alone may take longer than connect waits by default. So connect
# waits ten times as long, unless the test has said how long.

package require nats

oo::class create patient {
    method connect args {
        if {[my cget -connect_timeout] == 2000} { my configure -connect_timeout 20000 }
        next {*}$args
    }
}
oo::define ::nats::connection mixin patient

set argv [lassign $argv argv0]
set argc [llength $argv]
source $argv0
