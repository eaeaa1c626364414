# Whether a process grows while it works; needs wait.tcl.
#
#   growth::sample             notes its memory, threads, sockets and files at a moment of rest
#   growth::forget             begins afresh, after the warm-up
#   growth::median NAME PART   of "memory", "threads" or "files" in a quarter, 0 to 3, of the samples
#   growth::measured           whether there are enough samples for that
#   growth::now NAME           the last sample
#
# Single samples say little: memory comes and goes by pages, a socket lingers. A leak lifts the median
# of each quarter above that of the one before.

namespace eval growth {
    variable samples {}
}

proc growth::sample {} {
    variable samples
    lappend samples [dict create memory [resident_memory] threads [thread_count] files [open_file_count]]
}

proc growth::forget {} { variable samples {} }

proc growth::now {name} {
    variable samples
    return [dict get [lindex $samples end] $name]
}

proc growth::median {name part} {
    variable samples
    set count [llength $samples]
    set quarter [lrange $samples [expr {$count * $part / 4}] [expr {$count * ($part + 1) / 4 - 1}]]
    set sorted [lsort -integer [lmap sample $quarter { dict get $sample $name }]]
    return [lindex $sorted [expr {[llength $sorted] / 2}]]
}

proc growth::measured {} {
    variable samples
    return [expr {[llength $samples] >= 4}]
}
