# Shows messages, and answers those that want an answer, as the command line says:
#
#   tclsh cli_subscribe.tcl -subject news.> -servers nats://localhost:4222 -credentials my.creds
#
# It goes on for ever, or ends after -max_msgs messages.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set options [dict create -subject news -answer "Got it" -max_msgs 0 -servers $server -credentials ""]

if {[llength $argv] % 2 || [llength [dict remove $argv {*}[dict keys $options]]]} {
    puts stderr "usage: [file tail $argv0] ?option value ...?, with [join [dict keys $options] {, }]"
    exit 2
}
set options [dict merge $options $argv]

proc received {subject message reply} {
    puts "$subject: $message"
    if {$reply ne ""} { $::conn publish $reply [dict get $::options -answer] }
    if {[incr ::received] == [dict get $::options -max_msgs]} { set ::done 0 }
}

# One callback hears of everything that happens to the connection. It is made again without us;
# when no server can be reached any more, the event is "closed".
proc watch {event details} {
    switch $event {
        error        { puts stderr "Error: [dict get $details errorMessage]" }
        disconnected { puts stderr "Lost [dict get $details server], looking for a server" }
        reconnected  { puts stderr "Connected again, to [dict get $details server]" }
        closed       { set ::done 1 }
    }
}

set conn [nats::connection new cli_subscribe -log_chan stderr -log_level error]
try {
    $conn configure -servers [dict get $options -servers] -event_callback watch \
        -credentials [dict get $options -credentials] -utf8_convert true
    $conn connect
    $conn subscribe [dict get $options -subject] -callback received
    $conn flush
    puts "Listening on [dict get $options -subject]"
} trap NATS message {
    puts stderr "Not subscribed: $message"
    exit 1
}
vwait done
$conn destroy
exit $done
