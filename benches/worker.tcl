# Does the work of one column in a process of its own: "nats" is the package, "floor" is Tcl alone.
#
#   tclsh worker.tcl nats|floor      urls in the environment: BENCH_TCP, BENCH_SINK …
#
# It reads lines "WORK COUNT SIZE WIDTH VIA" and answers each with a line: nanoseconds, and for
# latencies their p50 and p99; "none" for work it does not know; or "failed" and the reason. The
# columns in other languages speak the same.

set here [file dirname [file normalize [info script]]]
set column [lindex $argv 0]

# The connection of a kind, made once.
proc connection {via args} {
    global connections
    if {![info exists connections($via)]} {
        set conn [nats::connection new]
        $conn configure -servers [url $via]
        $conn connect
        set connections($via) $conn
    }
    $connections($via) configure {*}$args
    return $connections($via)
}

proc url {via} { return $::env(BENCH_[string toupper $via]) }

proc payload {size} { string repeat x $size }

# Nanoseconds since a time in microseconds. What is timed stands in the procedure itself, as scripts
# have it: a script for uplevel looks up each variable by its name.
proc since {begun} { expr {1000 * ([clock microseconds] - $begun)} }

proc answer {work count size width via} {
    if {$work ni $::works} { return none }
    lassign [$work $count $size $width $via] time latencies
    if {![llength $latencies]} { return $time }
    set sorted [lsort -integer $latencies]
    set last [expr {[llength $sorted] - 1}]
    return [list $time [lindex $sorted [expr {$last / 2}]] [lindex $sorted [expr {$last * 99 / 100}]]]
}

# Sources files and lists the commands that they add.
proc load_works {files} {
    set before [info commands]
    foreach file $files { uplevel #0 [list source $file] }
    set ::works [lmap name [info commands] { if {$name in $before} continue; set name }]
}

if {$column eq "floor"} {
    load $env(BENCH_FLOORS) Floors
    load_works [list [file join $here rows floor.tcl]]
} else {
    package require nats
    load_works [lmap file [glob [file join $here rows *.tcl]] {
        if {[file tail $file] eq "floor.tcl"} continue
        set file
    }]
}
fconfigure stdout -buffering line
while {[gets stdin line] >= 0} {
    if {[catch {answer {*}$line} result]} { set result "failed [string map {\n { }} $result]" }
    puts $result
}
