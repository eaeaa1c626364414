# Questions and answers: one reply, several replies, nobody there, and without waiting.
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]

# Two services that answer the same question.
foreach {name temperature} {indoors 21 outdoors 7} {
    set service [nats::connection new $name]
    $service configure -servers $server
    $service connect
    $service subscribe temperature -callback [list answer $service "$temperature degrees $name"]
    $service ping
    lappend connections $service
}

proc answer {connection text subject question reply} {
    $connection publish $reply $text
}

set client [nats::connection new client]
$client configure -servers $server
$client connect

# The first reply wins. While the call waits, events are served.
puts "one:     [$client request temperature "How warm is it?"]"

# Up to two replies, each a message dict, or what there is after half a second.
foreach message [$client request temperature "How warm?" -max_msgs 2 -timeout 500] {
    puts "both:    [nats::msg data $message]"
}

# The server knows when nobody listens, and says so at once.
try {
    $client request pressure "How high is it?"
} trap {NATS ErrNoResponders} message {
    puts "nobody:  $message"
}

# Not waiting: the callback gets whether time ran out, and the reply.
$client request temperature "And now?" -timeout 1000 -callback arrived
proc arrived {timedOut reply} {
    puts "later:   [expr {$timedOut ? "no answer" : $reply}]"
    set ::done 1
}
vwait done

foreach connection [concat $connections $client] { $connection destroy }
