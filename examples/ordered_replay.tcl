# An ordered consumer: replays what a stream holds and then follows it live. Losing the connection
# or the consumer in between changes nothing of what the script sees.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set conn [nats::connection new ordered_replay -log_level error]
$conn configure -servers $server -reconnect_time_wait 100
$conn connect
set js [$conn jet_stream]

$js add_stream TICKER -subjects ticker.> -storage memory
foreach price {10 11 13} { $js publish ticker.tea $price }

# The balance of the whole history, message by message.
set last ""
set consumer [$js ordered_consumer TICKER -filter_subject ticker.tea -callback follow -idle_heartbeat 300]
proc follow {message} {
    global last
    set price [nats::msg data $message]
    set change [expr {$last eq "" ? "" : " ([format %+d [expr {$price - $last}]])"}]
    puts "[dict get [nats::metadata $message] stream_seq]. $price$change"
    set last $price
}
while {$last ne "13"} { vwait last }
puts "that was the past"

# Somebody deletes the consumer: the object makes another one and goes on behind message 3.
$js delete_consumer TICKER [$consumer name]
foreach price {12 15} { $js publish ticker.tea $price }
while {$last ne "15"} { vwait last }
puts "reported: [dict get [set [info object namespace $consumer]::last_error] errorMessage]"

$consumer destroy
$js delete_stream TICKER
$conn destroy
