# Publishes one message, as the command line says:
#
#   tclsh cli_publish.tcl -subject news -data "hello" -servers nats://localhost:4222 -credentials my.creds
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set options [dict create -subject news -data "hello, world" -servers $server -credentials ""]

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

set conn [nats::connection new cli_publish -log_chan stderr -log_level error]
try {
    $conn configure -servers [dict get $options -servers] -event_callback watch \
        -credentials [dict get $options -credentials] -utf8_convert true
    $conn connect
    $conn publish [dict get $options -subject] [dict get $options -data]
    # Returns when the server has it.
    $conn flush
    puts "Published to [dict get $options -subject]: [dict get $options -data]"
} trap NATS message {
    puts stderr "Not published: $message"
    exit 1
} finally {
    $conn destroy
}
