# What the package costs, beside other clients that do the same work, and beside what Tcl itself
# costs; all on the same machine in the same run. Started by benches/run.
#
#   -rows patterns     rows by name, see rows.tcl; or by group: core:*,kv_put (default: all)
#   -columns names     of nats,async-nats,nats-py,floor (default: all that can run)
#   -rounds number     every figure is the median of so many (default 5)
#   -scale factor      multiplies the numbers of operations (default 1)
#   -save folder       also writes performance-table.md and performance-chart.svg there
#
# In each round every row runs in every column before the next row comes, so that a busy time of the
# machine hits all columns. The exit code is 1 when a wanted ratio was missed.

set here [file dirname [file normalize [info script]]]
set folder $env(BENCH_FOLDER)
foreach part {column report chart} { source [file join $here harness $part.tcl] }
foreach part {server certificates} { source [file join $here .. tests support $part.tcl] }

proc group {name} { set ::group $name }

proc row {name title args} {
    set defaults [list -work $name -count 1000 -size 128 -width 1 -via tcp -floor "" -wanted {}]
    dict set ::rows $name [dict merge $defaults $args [list -title $title -group $::group]]
}

proc selected {rows patterns} {
    set chosen [dict filter $rows script {name row} {
        set names [list $name [dict get $row -group]:$name]
        expr {1 in [lmap pattern $patterns { expr {[lsearch -glob $names $pattern] >= 0} }]}
    }]
    if {![dict size $chosen]} { error "no rows match $patterns" }
    return $chosen
}

# The commands that do the work of each column.
proc commands {} {
    global here folder
    set worker [list [info nameofexecutable] [file join $here worker.tcl]]
    return [dict create \
        nats [list {*}$worker nats] \
        async-nats [list [file join $folder async-nats release bench-async-nats]] \
        nats-py [list [file join $here .. .cache venv bin python] [file join $here nats_py.py]] \
        floor [list {*}$worker floor]]
}

proc start_servers {} {
    global here folder env
    set transport::pki [pki::start]
    pki::issue $transport::pki transport
    set env(SSL_CERT_FILE) [pki::path $transport::pki ca.pem]
    foreach via {tcp tls ws} {
        set transport::name $via
        set server [server::start {max_payload: 8MB}]
        lappend ::servers $server
        set env(BENCH_[string toupper $via]) [server::url $server]
        if {$via eq "tcp"} {
            set echo [open |[list [file join $folder echo] [server::port $server]]]
            gets $echo
        }
    }
    set env(BENCH_FLOORS) [file join $folder libfloors.so]
    set peer [open |[list [info nameofexecutable] [file join $here peer.tcl]] r+]
    set env(BENCH_SINK) nats://127.0.0.1:[gets $peer]
}

# One measurement; a column that is slow does less of the work.
proc measure {column row scale} {
    set share [expr {$column eq "nats-py" ? 0.2 : 1}]
    set count [expr {max(1, round([dict get $row -count] * $scale * $share))}]
    set work [dict get $row -work]
    if {$column eq "floor"} { set work [dict get $row -floor] }
    if {$work eq ""} return
    set task [list $work $count [dict get $row -size] [dict get $row -width] [dict get $row -via]]
    return [column::run $column $task]
}

array set option {-rows * -columns {nats async-nats nats-py floor} -rounds 5 -scale 1 -save ""}
array set option $argv
foreach list {-rows -columns} { set option($list) [string map {, " "} $option($list)] }
source [file join $here rows.tcl]
set rows [selected $rows $option(-rows)]
start_servers
set columns [lmap name $option(-columns) {
    if {![column::start $name [dict get [commands] $name]]} continue
    set name
}]
puts stderr "bench: [dict size $rows] rows, $option(-rounds) rounds; columns: [join $columns {, }]"
set results {}
for {set round 1} {$round <= $option(-rounds)} {incr round} {
    dict for {name row} $rows {
        puts -nonewline stderr "\rbench: round $round, $name\033\[K"
        foreach column $columns {
            set figures [measure $column $row $option(-scale)]
            if {[llength $figures]} { dict lappend results [list $name $column] $figures }
        }
    }
}
puts stderr "\r\033\[K"
column::stop_all
foreach server $servers { server::remove $server }
pki::remove $transport::pki

set medians [dict map {- rounds} $results { report::median $rounds }]
set about "Tcl [info patchlevel], medians of $option(-rounds) interleaved rounds"
set table [report::markdown $rows $columns $medians $about]
puts $table
if {$option(-save) ne ""} {
    foreach {file text} [list performance-table.md $table \
            performance-chart.svg [chart::svg $rows $columns $medians $about]] {
        set channel [open [file join $option(-save) $file] w]
        puts $channel $text
        close $channel
    }
}
exit [expr {[report::missed $rows $medians] > 0}]
