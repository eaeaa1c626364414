# A process that increments one counter of a bucket by compare-and-set until it is told to stop:
#   tclsh kv_counter.tcl url
# It writes a line "ready" when it begins, a line "uncertain" for each increment whose outcome is unknown,
# a line "failed" for the first that was refused, and at its end a list of the numbers of increments that
# succeeded, were uncertain, and failed.

package require nats

set conn [nats::connection new counter -log_level error]
$conn configure -servers [lindex $argv 0] -reconnect_time_wait 10 \
    -max_reconnect_attempts -1 -connect_timeout 60000
$conn connect
set kv [[$conn jet_stream -timeout 300] bind_kv_bucket counters]

puts ready
flush stdout

set stopped 0
fileevent stdin readable { set stopped 1 }
set succeeded 0
set uncertain 0
set failed 0

while {!$stopped} {
    # Without a server this fails, too: again.
    if {[catch {$kv get counter} entry]} continue
    try {
        $kv update counter [expr {[dict get $entry value] + 1}] [dict get $entry revision]
        incr succeeded
    } on error {message options} {
        if {[dict exists $options -outcome]} {
            incr uncertain
            puts uncertain
            flush stdout
        } else {
            if {[incr failed] == 1} {
                puts failed
                flush stdout
            }
        }
    }
}
# Whatever is still to be sent goes now, and may still count.
$conn destroy
puts [list $succeeded $uncertain $failed]
