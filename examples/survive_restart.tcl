# A server goes away and comes back. Subscriptions survive, and so does what is published meanwhile.
package require nats

if {![info exists env(NATS_SERVER)]} {
    puts "This example stops and starts a server of its own: set NATS_SERVER to the path of a\
        nats-server program."
    exit
}

set port [expr {20000 + [pid] % 10000}]
proc start_server {} {
    set ::server [exec $::env(NATS_SERVER) -a 127.0.0.1 -p $::port >& /dev/null &]
}
proc stop_server {} { exec sh -c "kill $::server" }

start_server
set conn [nats::connection new survivor -log_level info]
# Wait little between attempts, and never give up.
$conn configure -servers nats://127.0.0.1:$port -reconnect_time_wait 100 -max_reconnect_attempts -1

# The server needs a moment until it listens.
while {[catch {$conn connect}]} { after 50 }

$conn subscribe news -callback {apply {{subject message reply} {
    puts "received: $message"
    set ::received $message
}}}
$conn publish news "before"
vwait received

stop_server
while {[$conn cget status] ne "reconnecting"} { vwait ${conn}::status }
$conn publish news "written while the server was away"

start_server
vwait received

$conn destroy
stop_server
