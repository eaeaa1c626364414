# The command check: whether a server and its JetStream are well.
#
# Each check is a row: what, verdict (ok, warn, fail or none), details. "warn" is what somebody should
# look at, "fail" what does not work.

natstcl::command check {} "Looks whether the server and its JetStream are well." {
    {jetstream flag   0   "fail when there is no JetStream"}
    {rtt       number 500 "warn from so many milliseconds for a round trip on"}
    {full      number 90  "warn when a limit is used up by so many percent"}
} {
    set c [connection]
    set rows [list [check_server $c] [check_round_trip $c] [check_delivery $c] {*}[check_jet_stream]]
    show_rows {check text verdict text details text} $rows
    set failed [llength [lsearch -all -index 1 $rows fail]]
    if {$failed} {
        throw {NATSTCL FAILED "the rows with \"fail\" tell the reasons"} \
            "[counted $failed check] failed"
    }
}

proc natstcl::check_server {c} {
    set info [$c server_info]
    set details "[dict get $info server_name] [dict get $info version] at [join [$c current_server] :]"
    if {[dict exists $info cluster]} { append details ", cluster [dict get $info cluster]" }
    append details ", messages up to [size [dict get $info max_payload]]"
    if {[dict lookup $info ldm 0]} { return [list server warn "$details, about to shut down"] }
    return [list server ok $details]
}

proc natstcl::check_round_trip {c} {
    variable option
    for {set i 0} {$i < 5} {incr i} { lappend times [$c rtt -timeout $option(timeout)] }
    set median [lindex [lsort -real $times] 2]
    return [list "round trip" [expr {$median >= $option(rtt) ? "warn" : "ok"}] "$median ms"]
}

# A message to ourselves comes back.
proc natstcl::check_delivery {c} {
    variable option
    variable delivered ""
    set inbox [$c inbox]
    try {
        set started [clock microseconds]
        $c subscribe $inbox -max_msgs 1 -callback {apply {args { set ::natstcl::delivered yes }}}
        $c publish $inbox check
        set timer [after $option(timeout) {set ::natstcl::delivered no}]
        while {$delivered eq ""} { vwait ::natstcl::delivered }
        after cancel $timer
    } trap NATS message {
        return [list delivery fail $message]
    }
    if {!$delivered} { return [list delivery fail "a message to ourselves did not come back"] }
    return [list delivery ok [format "%.1f ms" [expr {([clock microseconds] - $started) / 1000.0}]]]
}

proc natstcl::check_jet_stream {} {
    variable option
    set js [jet_stream]
    try {
        set account [$js account_info]
    } trap NATS message {
        return [list [list jetstream [expr {$option(jetstream) ? "fail" : "none"}] $message]]
    }
    set rows [list [list jetstream ok "[counted [dict get $account streams] stream],\
        [counted [dict get $account consumers] consumer]"]]
    foreach kind {memory storage} {
        lappend rows [check_limit $kind [dict get $account $kind] \
            [dict get $account limits max_$kind] bytes fail]
    }
    set streams [$js streams]
    set progress [progress::start "streams checked:" [llength $streams]]
    set done 0
    foreach stream $streams {
        lappend rows {*}[check_stream $js $stream]
        progress::at progress [incr done]
    }
    progress::end
    return $rows
}

# How much of a limit is used; -1 and 0 are none. `full` is the verdict when nothing is left.
proc natstcl::check_limit {what used limit kind full} {
    variable option
    set text "[readable $kind $used]"
    if {$limit <= 0} { return [list $what ok "$text, no limit"] }
    set percent [expr {100 * $used / $limit}]
    set verdict [expr {$percent >= 100 ? $full : $percent >= $option(full) ? "warn" : "ok"}]
    return [list $what $verdict "$text of [readable $kind $limit], $percent %"]
}

# One row for a stream that is well, else one for each thing to look at.
proc natstcl::check_stream {js stream} {
    set name [dict get $stream config name]
    set state [dict get $stream state]
    set what "stream $name"
    set rows [check_cluster $what [dict lookup $stream cluster]]
    # A stream that makes room by itself may well be full.
    if {[dict get $stream config discard] eq "new"} {
        foreach {counter limit kind} {messages max_msgs number bytes max_bytes bytes} {
            lappend rows [check_limit $what [dict get $state $counter] \
                [dict get $stream config $limit] $kind fail]
        }
    }
    foreach consumer [$js consumers $name] {
        set who "consumer [dict get $consumer name] of $name"
        lappend rows {*}[check_cluster $who [dict lookup $consumer cluster]]
        if {[dict get $consumer config ack_policy] ne "none"} {
            lappend rows [check_limit $who [dict get $consumer num_ack_pending] \
                [dict lookup [dict get $consumer config] max_ack_pending -1] number warn]
        }
    }
    set bad [lsearch -all -inline -not -exact -index 1 $rows ok]
    if {[llength $bad]} { return $bad }
    return [list [list $what ok "[counted [dict get $state messages] message],\
        [size [dict get $state bytes]]"]]
}

proc natstcl::check_cluster {what cluster} {
    set rows {}
    if {[dict exists $cluster name] && [dict lookup $cluster leader] eq ""} {
        lappend rows [list $what fail "has no leader"]
    }
    foreach replica [dict lookup $cluster replicas] {
        set name [dict get $replica name]
        if {[dict lookup $replica offline 0]} {
            lappend rows [list $what warn "replica on $name is offline"]
        } elseif {![dict lookup $replica current 1]} {
            lappend rows [list $what warn "replica on $name is [dict lookup $replica lag 0] behind"]
        }
    }
    return $rows
}
