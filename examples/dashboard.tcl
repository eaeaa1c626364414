# A live dashboard in wish: how many messages come, on which subjects, and how the connection is.
#
#   wish dashboard.tcl ?-servers urls? ?-subject pattern? ?-demo seconds?
#
# With -demo it makes some traffic of its own, tells in each second what it has done, and ends by
# itself.
package require Tk
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]
set options [dict merge [dict create -servers $server -subject > -demo 0 -traffic 1] $argv]

# Messages come much faster than anybody can look. So the callback only counts, and a timer draws
# what was counted, milliseconds after the last picture:
set pause 60

# Messages of each subject, and of all; messages per second, at each of the last pictures.
set counts [dict create]
set total 0
set rates {}
# Time and total of the last pictures. A rate is that of half a second, or the graph would tremble.
set samples {}

proc received {subject message reply} {
    incr ::total
    # Some services make new subjects all the time. They must not fill the memory.
    if {![dict exists $::counts $subject] && [dict size $::counts] >= 5000} { set subject others }
    dict incr ::counts $subject
}

# The window

wm title . "NATS dashboard"
wm protocol . WM_DELETE_WINDOW { set done 1 }
. configure -background white
option add *Label.background white
ttk::style theme use clam

frame .top -background white
label .top.light -text \u25cf -font {Helvetica 18}
label .top.status -textvariable status_text -font {Helvetica 12 bold}
label .top.numbers -textvariable numbers -font {Helvetica 12}
canvas .graph -width 620 -height 180 -background #10202c -highlightthickness 0
ttk::treeview .tree -columns {messages rate} -height 20
.tree heading #0 -text Subject -anchor w
.tree heading messages -text Messages -anchor e
.tree heading rate -text "per second" -anchor e
.tree column #0 -width 360
.tree column messages -anchor e -width 130
.tree column rate -anchor e -width 130
pack .top.light .top.status -side left
pack .top.numbers -side right
pack .top -fill x -padx 10 -pady 4
pack .graph -fill x -padx 10
pack .tree -fill both -expand 1 -padx 10 -pady 10

# Connection: the state is in a variable, and a trace keeps the window up to date.

set conn [nats::connection new dashboard -log_chan stderr -log_level error]
trace add variable ${conn}::status write show_status
trace add variable ${conn}::last_error write show_status
proc show_status args {
    set status [set ${::conn}::status]
    set colours {connected #2e9e4f connecting #e0a000 reconnecting #e0a000 closed #c03030}
    .top.light configure -foreground [dict get $colours $status]
    set ::status_text $status
    if {$status eq "connected"} { append ::status_text " to [join [$::conn current_server] :]" }
    set error [set ${::conn}::last_error]
    if {$error ne ""} { append ::status_text ": [dict get $error errorMessage]" }
}
$conn configure -servers [dict get $options -servers] -max_reconnect_attempts -1 \
    -retry_on_initial_connect true
# The window is there at once, and shows when the connection stands.
$conn connect -async
$conn subscribe [dict get $options -subject] -callback received

# Drawing: the graph moves with every picture, the tree once in a second.

proc draw {} {
    set now [clock microseconds]
    lappend ::samples [list $now $::total]
    set ::samples [lrange $::samples end-10 end]
    lassign [lindex $::samples 0] then total_then
    if {$now > $then} { lappend ::rates [expr {($::total - $total_then) * 1e6 / ($now - $then)}] }
    set ::rates [lrange $::rates end-309 end]
    if {[llength $::rates] > 1} draw_graph
    # Puts it on the screen before anything else has its turn. The next picture comes some time after
    # that, or slow drawing would leave no time for messages.
    update idletasks
    incr ::drawn
    after $::pause draw
}

proc draw_graph {} {
    set width [winfo width .graph]
    set height [winfo height .graph]
    set top [nice_limit [tcl::mathfunc::max {*}$::rates]]
    .graph delete all
    foreach part {0.25 0.5 0.75} {
        set y [expr {$height * (1 - $part)}]
        .graph create line 0 $y $width $y -fill #2a4252
        .graph create text 4 $y -anchor sw -fill #7fa0b4 -text [grouped [expr {round($top * $part)}]]
    }
    set step [expr {$width / 309.0}]
    set x [expr {$width - $step * ([llength $::rates] - 1)}]
    set points [list $x $height]
    foreach rate $::rates {
        lappend points $x [expr {$height * (1 - $rate / $top)}]
        set last $x
        set x [expr {$x + $step}]
    }
    .graph create polygon {*}$points $last $height -fill #1d5a7a -outline ""
    .graph create line {*}[lrange $points 2 end] -fill #58c4f0 -width 2
}

# The next of 1, 2, 5, 10, 20, 50 ... above.
proc nice_limit {value} {
    set limit 1
    while {1} {
        foreach factor {1 2 5} {
            if {$limit * $factor > $value} { return [expr {$limit * $factor}] }
        }
        set limit [expr {$limit * 10}]
    }
}

proc grouped {number} {
    while {[regsub {^(-?\d+)(\d{3})} $number {\1,\2} number]} {}
    return $number
}

# One row for each subject and each beginning of one; who has more branches than fit is cut off.
proc draw_tree {} {
    set sums [dict create]
    dict for {subject count} $::counts {
        set tokens [split $subject .]
        for {set depth 0} {$depth < [llength $tokens]} {incr depth} {
            dict incr sums [lrange $tokens 0 $depth] $count
        }
    }
    set before [expr {[info exists ::sums] ? $::sums : ""}]
    foreach path [lrange [lsort -dictionary [dict keys $sums]] 0 499] {
        if {![.tree exists $path]} {
            .tree insert [lrange $path 0 end-1] end -id $path -text [lindex $path end] -open 1
        }
        set count [dict get $sums $path]
        set grown [expr {$count - ([dict exists $before $path] ? [dict get $before $path] : 0)}]
        .tree item $path -values [list [grouped $count] [grouped $grown]]
    }
    set ::sums $sums
}

proc every_second {} {
    after 1000 every_second
    draw_tree
    set seconds [expr {([clock microseconds] - $::second_at) / 1e6}]
    set rate [expr {round(($::total - $::second_total) / $seconds)}]
    set ::numbers "[grouped $::total] messages, [grouped $rate]/s"
    if {[dict get $::options -demo]} {
        puts [format "%.1f pictures and %d messages per second" \
            [expr {($::drawn - $::second_drawn) / $seconds}] $rate]
        flush stdout
    }
    set ::second_at [clock microseconds]
    set ::second_drawn $::drawn
    set ::second_total $::total
}

set drawn 0
set second_at [clock microseconds]
set second_drawn 0
set second_total 0
draw
after 1000 every_second

# Traffic for the demo: sensors that report more and less often.

proc traffic {time} {
    after 20 [list traffic [expr {$time + 1}]]
    set count [expr {int(20 + 15 * sin($time / 40.0))}]
    for {set i 0} {$i < $count} {incr i} {
        set place [lindex {oslo paris rome tokyo} [expr {int(rand() * 4)}]]
        set what [lindex {temperature wind rain} [expr {int(rand() ** 2 * 3)}]]
        $::conn publish weather.$place.$what [expr {rand() * 30}]
    }
    $::conn publish orders.new "order $time"
    if {$time % 3 == 0} { $::conn publish orders.paid "order $time" }
}

if {[dict get $options -demo]} {
    if {[dict get $options -traffic]} { traffic 0 }
    after [expr {[dict get $options -demo] * 1000}] { set done 1 }
}
vwait done
$conn destroy
exit
