# A connection with unread input, for whatever interpreter, thread or process sources this file.

package require nats

# Another client sends `bytes` to the subject flood.x; serves no events after it has connected.
proc flood {url bytes} {
    set connection [nats::connection new flood]
    $connection configure -servers $url -connect_timeout 60000
    $connection connect
    set payload [string repeat f 10000]
    for {set sent 0} {$sent < $bytes} {incr sent 10000} { $connection publish flood.x $payload }
    $connection destroy
}

# A connection that has read what its mailbox holds of a flood; the rest of the 2 MB lies in the
# socket. Extra arguments are for configure.
proc flooded_connection {url args} {
    set connection [nats::connection new flooded]
    $connection configure -servers $url -pending_bytes 65536 -connect_timeout 60000 {*}$args
    $connection connect
    $connection subscribe flood.> -callback list
    $connection ping
    flood $url 2000000
    set deadline [expr {[clock milliseconds] + 60000}]
    while {[dict get [$connection stats] pauses] == 0} {
        if {[clock milliseconds] > $deadline} { error "the flood does not arrive" }
        after 1
    }
    return $connection
}

# Publishes the numbers from 1 to `count`, each followed by `padding`.
proc publish_numbers {connection subject count {padding ""}} {
    for {set i 1} {$i <= $count} {incr i} { $connection publish $subject $i$padding }
}
