# Work on connections that stay: what is sent must come, whatever happens meanwhile. Needs server.tcl,
# wait.tcl and account.tcl.
#
#   steady::start        a server, two connections, a stream with its readers, a bucket with a watcher
#   steady::messages     publish and subscribe, many at once
#   steady::requests     of all kinds, answered by the other connection
#   steady::stream       acknowledged publishing; every message comes to a fetching, a continuous and
#                        an ordered consumer
#   steady::bucket       writes and reads, followed by a watcher and its array
#   steady::reconnect    a forced reconnect
#   steady::restart      the server ends, at once or in good order, while all of this is under way
#   steady::certainly_in_flight
#                        how many core messages that must have cost, at least

namespace eval steady {
    variable restarts 0
    variable kills 0
}

proc steady::start {} {
    variable server [server::start]
    variable conn [Connect]
    variable other [Connect]
    variable js [$conn jet_stream -timeout 5000 -max_pending 200]
    $js add_stream SOAK -subjects soak.> -max_msgs 5000
    $js add_pull_consumer SOAK fetched -filter_subject soak.work -ack_wait 2000
    $js add_pull_consumer SOAK continuous -filter_subject soak.work -ack_wait 2000
    $js add_pull_consumer SOAK visitors -filter_subject soak.nothing
    variable continuous [$js subscribe_consumer SOAK continuous -callback steady::Worked \
        -idle_heartbeat 500]
    variable ordered [$js ordered_consumer SOAK -filter_subject soak.work -idle_heartbeat 500 \
        -callback {steady::Read ordered}]
    variable kv [$js create_kv_bucket SOAK -history 20]
    variable values
    array set values {}
    variable watched
    variable watcher [$kv watch key.* -callback steady::Watched -values_array watched \
        -idle_heartbeat 500]
    $conn subscribe flow.* -callback steady::Flowed
    $other subscribe ask.one -callback [list steady::Answer 1]
    $other subscribe ask.three -callback [list steady::Answer 3]
    $conn ping
    $other ping
}

proc steady::Connect {} {
    variable server
    set conn [nats::connection new "" -log_level error -log_chan stderr]
    $conn configure -servers [server::url $server] -max_reconnect_attempts -1 -reconnect_time_wait 20
    $conn connect
    return $conn
}

# Sizes from nothing to 8 KiB; the number of the message is in front.
proc steady::Payload {id} { return "$id [string repeat x [expr {$id % 50 ? $id % 97 : 8192}]]" }

proc steady::Publish {kind count} {
    variable conn
    set ids [account::expect $kind $count]
    foreach id $ids { $conn publish flow.$kind [Payload $id] }
}

proc steady::Flowed {subject message reply} {
    account::arrived [string range $subject 5 end] [lindex $message 0]
}

proc steady::messages {} {
    Publish flow 2000
    account::settle flow
}

proc steady::Answer {times subject message reply} {
    variable other
    for {set i 0} {$i < $times} {incr i} { $other publish $reply $message }
}

proc steady::requests {} {
    variable conn
    foreach id [account::expect request 50] {
        account::arrived request [$conn request ask.one $id]
    }
    foreach id [account::expect request 100] {
        $conn request ask.one $id -callback steady::Answered
    }
    foreach id [account::expect request 20] {
        set answers [lmap answer [$conn request ask.three $id -max_msgs 3] { nats::msg data $answer }]
        if {$answers eq [list $id $id $id]} { account::arrived request $id }
    }
    account::settle request
}

proc steady::Answered {timedOut message} {
    if {!$timedOut} { account::arrived request $message }
}

proc steady::stream {} {
    StartPublishing 200
    FinishPublishing
}

# Each message goes to three readers; that it is stored is one more thing to come.
proc steady::StartPublishing {count} {
    foreach id [account::expect stored $count] {
        account::expect_too {fetched continuous ordered} $id
        Store $id
    }
}

# A publish without an answer may have been stored; its ID keeps it from being stored twice.
proc steady::Store {id} {
    variable js
    $js publish soak.work [Payload $id] -msg_id $id -callback [list steady::Stored $id]
}

proc steady::Stored {id timedOut ack error} {
    if {$error ne ""} { error "not stored: $error" }
    if {$timedOut} {
        after 50 [list steady::Store $id]
    } else {
        account::arrived stored $id
    }
}

proc steady::FinishPublishing {} {
    variable js
    account::settle stored
    set deadline [expr {[clock milliseconds] + 60000}]
    while {[account::due fetched] && [clock milliseconds] < $deadline} {
        foreach message [$js fetch SOAK fetched -batch_size 100 -timeout 300] {
            Read fetched $message
            $js ack $message
        }
    }
    foreach reader {fetched continuous ordered} { account::settle $reader }
}

proc steady::Worked {message} {
    variable js
    Read continuous $message
    $js ack $message
}

proc steady::Read {reader message} {
    account::arrived $reader [lindex [nats::msg data $message] 0]
}

proc steady::bucket {} {
    variable kv
    variable values
    variable watched
    foreach id [account::expect put 60] {
        set key key.[expr {$id % 20}]
        if {$id % 6 == 5} {
            $kv delete $key
            unset -nocomplain values($key)
        } elseif {[info exists values($key)]} {
            set entry [$kv get $key]
            if {[dict get $entry value] ne $values($key)} { error "$key is $entry, not $values($key)" }
            account::expect_too watched [$kv update $key $id [dict get $entry revision]]
            set values($key) $id
        } else {
            account::expect_too watched [$kv put $key $id]
            set values($key) $id
        }
        account::arrived put $id
    }
    account::settle watched
    waitfor {[lsort -stride 2 [array get values]] eq [lsort -stride 2 [array get watched]]}
}

proc steady::Watched {entry} {
    if {$entry ne "" && [dict get $entry operation] eq "PUT"} {
        account::arrived watched [dict get $entry revision]
    }
}

proc steady::reconnect {} {
    variable conn
    set before [Reconnects $conn]
    $conn force_reconnect
    waitfor {[steady::Reconnects $conn] > $before && [$conn cget status] eq "connected"}
    $conn flush
}

proc steady::Reconnects {conn} { dict get [$conn stats] reconnects }

# What is published before the end may be in flight at the cut; what is accepted afterwards is kept. A
# server that stands still reads nothing more: what was written to it then is in flight when it is
# killed, and lost with it.
proc steady::restart {} {
    variable server
    variable conn
    variable other
    variable restarts
    variable kills
    Publish cut 5000
    StartPublishing 200
    if {[incr restarts] % 2} {
        incr kills
        Written
        server::pause $server
        Publish cut 10
        Written
        server::kill $server
    } else {
        server::stop $server
    }
    waitfor {[$conn cget status] eq "reconnecting" && [$other cget status] eq "reconnecting"}
    Publish kept 500
    server::restart $server
    waitfor {[$conn cget status] eq "connected" && [$other cget status] eq "connected"} 30000
    account::settle kept
    account::lost_at_cut cut
    FinishPublishing
}

# Waits until all that was published is on its way. It is less than the system takes for a server that
# does not read.
proc steady::Written {} {
    variable conn
    waitfor {[dict get [$conn stats] pending_out_msgs] == 0} 60000
}

# How many messages were in flight at the cuts for certain.
proc steady::certainly_in_flight {} {
    variable kills
    return [expr {10 * $kills}]
}

# Connections made anew so far.
proc steady::reconnects {} {
    variable conn
    variable other
    return [expr {[Reconnects $conn] + [Reconnects $other]}]
}
