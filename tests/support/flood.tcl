# A process that floods a server: tclsh flood.tcl url messages_per_second subject ?subject ...?
#
# It keeps to the number as well as it can, and ends when its stdin does.

package require nats
set subjects [lassign $argv url rate]
set conn [nats::connection new flood -log_chan stderr]
$conn configure -servers $url -connect_timeout 60000
$conn connect

set started [clock microseconds]
set sent 0
proc send {} {
    global conn subjects rate started sent
    # What is due by now; a pause is made up for in part only.
    set due [expr {([clock microseconds] - $started) * $rate / 1000000}]
    if {$due - $sent > $rate / 4} { set sent [expr {$due - $rate / 4}] }
    while {$sent < $due} {
        foreach subject $subjects {
            $conn publish $subject "a line of text that somebody might have written"
            incr sent
        }
    }
    after 2 send
}
send
fileevent stdin readable { if {[gets stdin] eq "" && [eof stdin]} { set done 1 } }
vwait done
