# Messages with headers, as dicts.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set conn [nats::connection new headers]
$conn configure -servers $server
$conn connect

# With -dictmsg the callback gets the whole message instead of its payload.
$conn subscribe letters -dictmsg true -callback received
proc received {subject message reply} {
    puts "[nats::msg data $message]"
    foreach key [nats::header keys $message] {
        puts "  $key: [join [nats::header values $message $key] ", "]"
    }
    puts "  urgent? [nats::header lookup $message Urgent no]"
    set ::done 1
}

set letter [nats::msg create letters -data "Dear Tcl"]
nats::header set letter From Rust Date [nats::timestamp]
nats::header add letter Copy Anna
nats::header add letter Copy Ben
$conn publish_msg $letter

vwait done
$conn destroy
