# The table of all figures, in Markdown.
#
#   report::median FIGURES                         of a list of dicts of figures, each for itself
#   report::markdown ROWS COLUMNS MEDIANS ABOUT    MEDIANS is a dict of {ROW COLUMN} and figures
#   report::missed ROWS MEDIANS                    how many wanted ratios were not reached

namespace eval report {}

proc report::median {rounds} {
    set medians {}
    foreach key [dict keys [lindex $rounds 0]] {
        set sorted [lsort -real [lmap figures $rounds { dict get $figures $key }]]
        dict set medians $key [lindex $sorted [expr {[llength $sorted] / 2}]]
    }
    return $medians
}

proc report::markdown {rows columns medians about} {
    set others [lmap column $columns { if {$column eq "nats"} continue; set column }]
    set clients [lmap column $columns { if {$column eq "floor"} continue; set column }]
    set rates [table $rows [list {*}$columns {*}[lmap other $others { string cat "nats : $other" }] wanted] {
        {*}[lmap column $columns { shown $medians $name $column time rate }]
        {*}[lmap other $others { ratio_shown $medians $name $other }]
        [wanted_shown $row $medians $name]
    }]
    set costs [table $rows [list {*}[lmap column $columns { string cat "CPU, $column" }] \
            {*}[lmap column $clients { string cat "peak, $column" }]] {
        {*}[lmap column $columns { shown $medians $name $column cpu duration }]
        {*}[lmap column $clients { shown $medians $name $column memory megabytes }]
    }]
    set latencies [table [with_latencies $rows $medians] $columns {
        {*}[lmap column $columns { latencies $medians $name $column }]
    }]
    return [join [list "Operations per second. $about." $rates \
        "Processor time of the client's process for one operation, what is not timed included, and\
the peak of its memory." $costs "Latencies: p50 / p99." $latencies] \n\n]
}

# A line for each row: its title and the cells, which are words evaluated where the caller is, with
# name and row set.
proc report::table {rows heads cells} {
    upvar 1 name name row row
    set lines [list [line "" {*}$heads] [line --- {*}[lrepeat [llength $heads] ---:]]]
    set cells [string map {\n " "} $cells]
    dict for {name row} $rows {
        lappend lines [line [dict get $row -title] {*}[uplevel 1 "list $cells"]]
    }
    return [join $lines \n]
}

proc report::with_latencies {rows medians} {
    dict filter $rows script {name row} { dict exists $medians [list $name nats] p50 }
}

proc report::missed {rows medians} {
    set missed 0
    dict for {name row} $rows {
        foreach {other least} [dict get $row -wanted] {
            set ratio [ratio $medians $name $other]
            if {$ratio ne "" && $ratio < $least} { incr missed }
        }
    }
    return $missed
}

# Our rate as a part of another column's, or of ours in another row; "" when one is missing.
proc report::ratio {medians name other} {
    set ours [list $name nats]
    set theirs [expr {[dict exists $medians [list $other nats]] ? [list $other nats] : [list $name $other]}]
    if {![dict exists $medians $ours] || ![dict exists $medians $theirs]} { return "" }
    return [expr {[dict get $medians $theirs time] / [dict get $medians $ours time]}]
}

proc report::ratio_shown {medians name other} {
    set ratio [ratio $medians $name $other]
    if {$ratio eq ""} return
    return [format %.2f $ratio]
}

proc report::wanted_shown {row medians name} {
    join [lmap {other least} [dict get $row -wanted] {
        set ratio [ratio $medians $name $other]
        set verdict [expr {$ratio eq "" || $ratio >= $least ? "" : ", **missed**"}]
        string cat "$least of $other" $verdict
    }] "; "
}

# A figure in the given form, or nothing.
proc report::shown {medians name column figure form} {
    if {![dict exists $medians [list $name $column] $figure]} return
    return [$form [dict get $medians [list $name $column] $figure]]
}

proc report::latencies {medians name column} {
    set p50 [shown $medians $name $column p50 duration]
    if {$p50 eq ""} return
    return "$p50 / [shown $medians $name $column p99 duration]"
}

proc report::rate {ns} {
    set rate [format %.0f [expr {1e9 / $ns}]]
    while {[regsub {^(\d+)(\d{3})} $rate {\1,\2} rate]} {}
    return $rate
}

proc report::duration {ns} {
    foreach {unit size} {s 1e9 ms 1e6 µs 1e3} {
        if {$ns >= $size} { return "[format %.3g [expr {$ns / $size}]] $unit" }
    }
    return "[format %.0f $ns] ns"
}

proc report::megabytes {bytes} { return "[expr {round($bytes / 1048576.0)}] MiB" }

proc report::line {args} { return "| [join $args { | }] |" }
