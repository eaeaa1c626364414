# A chart for the documentation: one line per row, a mark per column, on a logarithmic axis of
# operations per second.
#
#   chart::svg ROWS COLUMNS MEDIANS ABOUT      arguments as in report.tcl

namespace eval chart {
    variable colours {nats #c2410c async-nats #2563eb nats-py #6b7280 floor #16a34a}
    variable left 360
    variable width 560
    variable step 22
    variable top 70
}

proc chart::svg {rows columns medians about} {
    variable left
    variable width
    variable step
    variable top
    lassign [decades $medians] low high
    set bottom [expr {$top + $step * [dict size $rows]}]
    set lines [list "<svg xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\"\
        font-size=\"12\" viewBox=\"0 0 [expr {$left + $width + 40}] [expr {$bottom + 30}]\">"]
    lappend lines {<rect width="100%" height="100%" fill="white"/>}
    lappend lines [text 10 20 "Operations per second. $about."]
    lappend lines {*}[legend $columns]
    for {set decade $low} {$decade <= $high} {incr decade} {
        set x [place [expr {10.0 ** $decade}] $low $high]
        lappend lines "<line x1=\"$x\" y1=\"$top\" x2=\"$x\" y2=\"$bottom\" stroke=\"#ddd\"/>"
        lappend lines [text $x [expr {$bottom + 18}] [report::rate [expr {1e9 / 10.0 ** $decade}]] middle]
    }
    set y [expr {$top + $step / 2}]
    dict for {name row} $rows {
        lappend lines [text [expr {$left - 12}] [expr {$y + 4}] [dict get $row -title] end]
        lappend lines "<line x1=\"$left\" y1=\"$y\" x2=\"[expr {$left + $width}]\" y2=\"$y\" stroke=\"#eee\"/>"
        # Ours is drawn last, so that it is seen.
        foreach column [lreverse $columns] {
            if {![dict exists $medians [list $name $column]]} continue
            set rate [expr {1e9 / [dict get $medians [list $name $column] time]}]
            lappend lines [mark $column [place $rate $low $high] $y]
        }
        incr y $step
    }
    lappend lines </svg>
    return [join $lines \n]
}

# The powers of ten around all rates.
proc chart::decades {medians} {
    set logs [lmap figures [dict values $medians] { expr {log10(1e9 / [dict get $figures time])} }]
    set sorted [lsort -real $logs]
    return [list [expr {int(floor([lindex $sorted 0]))}] [expr {int(ceil([lindex $sorted end]))}]]
}

proc chart::place {rate low high} {
    variable left
    variable width
    return [format %.1f [expr {$left + $width * (log10($rate) - $low) / max(1, $high - $low)}]]
}

proc chart::legend {columns} {
    variable left
    set x $left
    set lines {}
    foreach column $columns {
        lappend lines [mark $column $x 45] [text [expr {$x + 10}] 49 $column]
        incr x 110
    }
    return $lines
}

# The floor is a line that the others cannot pass, so it looks like one.
proc chart::mark {column x y} {
    variable colours
    set colour [dict get $colours $column]
    if {$column eq "floor"} {
        return "<rect x=\"[expr {$x - 1.5}]\" y=\"[expr {$y - 7}]\" width=\"3\" height=\"14\" fill=\"$colour\"/>"
    }
    return "<circle cx=\"$x\" cy=\"$y\" r=\"5\" fill=\"$colour\"/>"
}

proc chart::text {x y text {anchor start}} {
    set text [string map {& &amp; < &lt; > &gt;} $text]
    return "<text x=\"$x\" y=\"$y\" text-anchor=\"$anchor\">$text</text>"
}
