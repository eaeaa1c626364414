# Streams and consumers: make, look at, change, tidy up.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]

set conn [nats::connection new management]
$conn configure -servers $server
$conn connect
set js [$conn jet_stream]

# A stream that keeps a day of orders, and copies what it stores to other subjects.
$js add_stream EXAMPLE_ORDERS -subjects example.orders.> -storage memory -max_age 86400000 \
    -republish [nats::make_republish -src example.orders.> -dest example.copies.>] \
    -metadata {owner "the example"}

# Another one that collects from it what is paid.
$js add_stream EXAMPLE_PAID -storage memory -allow_direct true -sources [list \
    [nats::make_stream_source -name EXAMPLE_ORDERS -filter_subject example.orders.paid]]

# A consumer that redelivers after one second, then after five, then gives up.
$js add_pull_consumer EXAMPLE_ORDERS billing -filter_subject example.orders.paid \
    -backoff {1000 5000} -max_deliver 3

foreach {subject order} {new 17 paid 17 new 18} {
    $conn request example.orders.$subject "order $order"
}

# What the server tells, times in milliseconds.
set info [$js stream_info EXAMPLE_ORDERS]
puts "messages:   [dict get $info state messages], kept for [dict get $info config max_age] ms"
foreach info [$js consumers EXAMPLE_ORDERS] {
    puts "consumer:   [dict get $info name] has [dict get $info num_pending] to deliver"
}

# What it tells can be sent back, with one change.
set config [dict get [$js stream_info EXAMPLE_ORDERS] config]
set config [dict get [$js update_stream EXAMPLE_ORDERS {*}$config -max_msgs 1000] config]
puts "changed:    at most [dict get $config max_msgs] messages, still from [dict get $config subjects]"

# Messages can be read without a consumer.
set last [$js stream_msg_get EXAMPLE_ORDERS -last_by_subj example.orders.new]
puts "last new:   [nats::msg data $last], number [nats::msg seq $last]"

puts "purged:     [$js purge_stream EXAMPLE_ORDERS -filter example.orders.new] messages"

# What fails has an error code to trap.
try {
    $js consumer_info EXAMPLE_ORDERS shipping
} trap {NATS ErrConsumerNotFound} message {
    puts "shipping:   $message"
}

foreach stream {EXAMPLE_PAID EXAMPLE_ORDERS} { $js delete_stream $stream }
$conn destroy
