# Whether a process grows while it works; needs wait.tcl.
#
#   growth::sample PART            notes its memory, threads and files at a moment of rest, in a quarter
#                                  of the time, 0 to 3
#   growth::note NAME PART VALUE   one value of "memory", "threads" or "files"
#   growth::measured               whether each quarter has a sample
#   growth::medians NAME           of the four quarters
#   growth::excess NAME            by how much the last median lies above the first beyond what is
#                                  allowed, or 0
#
# Single samples say little: memory comes and goes by pages, a socket lingers. A leak lifts the median
# of each quarter above that of the one before.
#
# Samples are counted by their value, so that noting them is not what grows: there are as many values
# as pages that come and go.

namespace eval growth {
    # By "NAME,PART", a dict: value -> how often it was seen.
    variable seen
    # How far the last median may lie above the first. What a round of the long run costs is in the
    # thousands of messages and dozens of objects: a leak of a few bytes of each is more.
    variable allowed
    array set allowed [list memory [expr {1 << 20}] threads 0 files 0]
}

proc growth::sample {part} {
    note memory $part [resident_memory]
    note threads $part [thread_count]
    note files $part [open_file_count]
}

proc growth::note {name part value} {
    variable seen
    dict incr seen($name,$part) $value
}

proc growth::measured {} {
    variable seen
    foreach part {0 1 2 3} {
        if {![info exists seen(memory,$part)]} { return 0 }
    }
    return 1
}

proc growth::medians {name} { lmap part {0 1 2 3} { Median $name $part } }

proc growth::excess {name} {
    variable allowed
    set medians [medians $name]
    set grown [expr {[lindex $medians 3] - [lindex $medians 0]}]
    return [expr {max(0, $grown - $allowed($name))}]
}

proc growth::Median {name part} {
    variable seen
    set half [expr {[::tcl::mathop::+ {*}[dict values $seen($name,$part)]] / 2}]
    foreach value [lsort -integer [dict keys $seen($name,$part)]] {
        incr below [dict get $seen($name,$part) $value]
        if {$below > $half} { return $value }
    }
}
