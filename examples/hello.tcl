# Publish and receive: the smallest conversation.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set conn [nats::connection new hello]
$conn configure -servers $server
$conn connect

$conn subscribe greetings.* -callback received
proc received {subject message reply} {
    puts "$subject: $message"
    set ::done 1
}

$conn publish greetings.tcl "hello, world"
vwait done
$conn destroy
