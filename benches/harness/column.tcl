# The processes behind the columns, and what their work costs them.
#
#   column::start NAME COMMAND     returns whether it runs
#   column::stop_all
#   column::run NAME TASK          a dict of figures per operation, or "" if the column lacks the work
#
# The figures: time and cpu in nanoseconds, memory (the peak of the process) in bytes, and where
# latencies were taken p50 and p99 in nanoseconds.

namespace eval column { variable pipes }

proc column::start {name command} {
    variable pipes
    if {![file executable [lindex $command 0]]} { return 0 }
    set pipe [open |[list {*}$command 2>@stderr] r+]
    fconfigure $pipe -buffering line
    set pipes($name) $pipe
    # Whatever runs answers to work that does not exist.
    puts $pipe "nothing 1 1 1 tcp"
    return [expr {[gets $pipe] eq "none"}]
}

proc column::run {name task} {
    variable pipes
    set process [pid $pipes($name)]
    forget_peak $process
    set before [cpu_time $process]
    puts $pipes($name) $task
    set answer [gets $pipes($name)]
    set cpu [expr {[cpu_time $process] - $before}]
    if {$answer eq "none"} return
    if {![string is wideinteger -strict [lindex $answer 0]]} {
        puts stderr "\nbench: $name, $task: $answer"
        return
    }
    lassign $answer time p50 p99
    set count [lindex $task 1]
    set figures [dict create time [expr {double($time) / $count}] cpu [expr {double($cpu) / $count}] \
        memory [peak $process]]
    if {$p50 ne ""} { set figures [dict merge $figures [list p50 $p50 p99 $p99]] }
    return $figures
}

proc column::stop_all {} {
    variable pipes
    foreach {name pipe} [array get pipes] { close $pipe }
}

# Nanoseconds of processor time of all threads.
proc column::cpu_time {process} {
    set sum 0
    foreach file [glob /proc/$process/task/*/schedstat] {
        # A thread may have ended since it was listed.
        if {![catch {slurp $file} text]} { incr sum [lindex $text 0] }
    }
    return $sum
}

# From now on the peak is that of what follows.
proc column::forget_peak {process} {
    set channel [open /proc/$process/clear_refs w]
    puts $channel 5
    close $channel
}

proc column::peak {process} {
    regexp {VmHWM:\s+(\d+) kB} [slurp /proc/$process/status] -> kilobytes
    return [expr {$kilobytes * 1024}]
}

proc column::slurp {file} {
    set channel [open $file]
    try { read $channel } finally { close $channel }
}
