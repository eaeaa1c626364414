# Asks a question and shows the answer, as the command line says:
#
#   tclsh cli_request.tcl -subject time -data "now?" -timeout 1000 -servers nats://localhost:4222
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set options [dict create -subject news -data "" -timeout 2000 -servers $server -credentials ""]

if {[llength $argv] % 2 || [llength [dict remove $argv {*}[dict keys $options]]]} {
    puts stderr "usage: [file tail $argv0] ?option value ...?, with [join [dict keys $options] {, }]"
    exit 2
}
set options [dict merge $options $argv]

# One callback hears of everything that happens to the connection.
proc watch {event details} {
    switch $event {
        error        { puts stderr "Error: [dict get $details errorMessage]" }
        disconnected { puts stderr "Lost [dict get $details server]" }
        reconnected  { puts stderr "Connected again, to [dict get $details server]" }
    }
}

set conn [nats::connection new cli_request -log_chan stderr -log_level error]
try {
    $conn configure -servers [dict get $options -servers] -event_callback watch \
        -credentials [dict get $options -credentials] -utf8_convert true
    $conn connect
    puts [$conn request [dict get $options -subject] [dict get $options -data] \
        -timeout [dict get $options -timeout]]
} trap {NATS ErrNoResponders} {} {
    puts stderr "Nobody answers questions on [dict get $options -subject]"
    exit 1
} trap {NATS ErrTimeout} {} {
    puts stderr "No answer within [dict get $options -timeout] ms"
    exit 1
} trap NATS message {
    puts stderr "Not asked: $message"
    exit 1
} finally {
    $conn destroy
}
