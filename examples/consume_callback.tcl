# Continuous consumption with a callback: two workers share the messages of one consumer, and what
# fails comes again.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set conn [nats::connection new consume_callback]
$conn configure -servers $server
$conn connect
set js [$conn jet_stream]

$js add_stream ORDERS -subjects orders -storage memory
$js add_pull_consumer ORDERS packing -ack_wait 5000

# A worker that keeps at most five messages to itself.
foreach worker {Ann Bob} {
    lappend workers [$js subscribe_consumer ORDERS packing -callback [list pack $worker] -max_messages 5]
}

proc pack {worker message} {
    global js packed
    set order [nats::msg data $message]
    if {$order == 3 && [dict get [nats::metadata $message] num_delivered] == 1} {
        puts "order 3 is dropped and comes again"
        $js nak $message -delay 100
        return
    }
    $js ack $message
    lappend packed $order
}

for {set order 1} {$order <= 20} {incr order} { $js publish orders $order }
while {![info exists packed] || [llength $packed] < 20} { vwait packed }
puts "packed: [lsort -integer $packed]"

# Ends each when it has handed out what it has.
foreach worker $workers {
    set status [info object namespace $worker]::status
    $worker drain
    while {[set $status] ne "stopped"} { vwait $status }
}
$js delete_stream ORDERS
$conn destroy
