# The process behind peer.tcl: peer_process.tcl url. Takes orders on stdin and ends with it.

package require nats

# Publishes count messages and returns when the server has them all: the numbers from 0, or
# messages of so many bytes, all alike.
proc flood {subject count {size ""}} {
    if {$size eq ""} {
        for {set i 0} {$i < $count} {incr i} { $::conn publish $subject $i }
    } else {
        set payload [string repeat x $size]
        for {set i 0} {$i < $count} {incr i} { $::conn publish $subject $payload }
    }
    $::conn ping -timeout 0
    return $count
}

set conn [nats::connection new peer -log_chan stderr]
$conn configure -servers [lindex $argv 0] -connect_timeout 60000
$conn connect

# Callbacks of subscriptions run between the orders.
proc serve {} {
    if {[gets stdin length] < 0} exit
    set script [encoding convertfrom utf-8 [read stdin $length]]
    set failed [catch {uplevel #0 $script} value]
    set answer [encoding convertto utf-8 [list $failed $value]]
    puts -nonewline [string length $answer]\n$answer
    flush stdout
}

fconfigure stdin -translation binary
fconfigure stdout -translation binary -buffering full
fileevent stdin readable serve
vwait forever
