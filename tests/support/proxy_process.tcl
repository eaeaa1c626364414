# The process behind proxy.tcl: proxy_process.tcl port upstreamPort. Takes orders on stdin and
# ends with it. A connection is two channels, one to the client and one to the server; what is read from one
# is written to the other, and reading pauses while the other side does not take more.

lassign $argv listenPort upstreamPort
set listener ""
set links {}                       ;# of all connections ever: {client channel, server channel},
                                   ;# or {} once it is closed: Tcl uses the names again
array set number {}                ;# channel -> index of its connection in links
array set peer {}                  ;# channel -> the channel on the other side
array set side {}                  ;# channel -> client or server
array set record {}                ;# index,side -> bytes read from there
array set paused {client 0 server 0}
array set limit {client "" server ""}   ;# bytes that pass on a connection, at most
array set blocked {}               ;# channel -> waits until its peer takes more
array set ended {}                 ;# channel -> has said all it had to say

proc accept {client address port} {
    global links number peer side record upstreamPort
    if {[catch {socket 127.0.0.1 $upstreamPort} server]} {
        close $client
        return
    }
    set n [llength $links]
    lappend links [list $client $server]
    foreach {from to name} [list $client $server client $server $client server] {
        fconfigure $from -translation binary -blocking 0 -buffering none
        set peer($from) $to
        set side($from) $name
        set number($from) $n
        set record($n,$name) ""
    }
    listenTo $client
    listenTo $server
}

# Reads from a channel exactly if nothing speaks against it.
proc listenTo {channel} {
    global peer side paused blocked ended
    if {![info exists peer($channel)]} return
    set silent [expr {$paused($side($channel)) || [info exists blocked($channel)] ||
        [info exists ended($channel)] || [room $channel] == 0}]
    fileevent $channel readable [expr {$silent ? "" : [list forward $channel]}]
}

# How much may still be read from a channel at once.
proc room {channel} {
    global number side record limit
    if {$limit($side($channel)) eq ""} { return 65536 }
    set taken [string length $record($number($channel),$side($channel))]
    return [expr {max(0, min(65536, $limit($side($channel)) - $taken))}]
}

proc forward {from} {
    global number side peer record
    if {[catch {read $from [room $from]} bytes]} { return [drop $from] }
    append record($number($from),$side($from)) $bytes
    if {[catch {puts -nonewline $peer($from) $bytes}]} { return [drop $from] }
    if {[chan pending output $peer($from)] > 0} {
        waitForRoom $from
    } elseif {[eof $from]} {
        passEndOn $from
    } else {
        listenTo $from
    }
}

# A side that has said all may still want to hear the rest, so the end goes on as a half-close.
proc passEndOn {from} {
    global peer ended
    set ended($from) 1
    if {[info exists ended($peer($from))]} { return [drop $from] }
    listenTo $from
    if {[catch {close $peer($from) write}]} { drop $from }
}

proc waitForRoom {from} {
    global peer blocked
    set blocked($from) 1
    listenTo $from
    fileevent $peer($from) writable [list continueAfterRoom $from]
}

proc continueAfterRoom {from} {
    global peer blocked
    if {[chan pending output $peer($from)] > 0} return
    fileevent $peer($from) writable {}
    unset blocked($from)
    listenTo $from
}

# Closes both sides; what was already read still goes out, in the background.
proc drop {channel} {
    global links number peer blocked ended
    lset links $number($channel) {}
    foreach end [list $channel $peer($channel)] {
        unset -nocomplain peer($end) blocked($end) ended($end)
        catch {close $end}
    }
}

proc openLinks {} { lsearch -all -inline -not -exact $::links {} }

namespace eval order {
    proc accept {} {
        global listener listenPort
        if {$listener ne ""} return
        set listener [socket -server ::accept -myaddr 127.0.0.1 $listenPort]
        return
    }

    proc refuse {} {
        global listener
        if {$listener ne ""} { close $listener }
        set listener ""
    }

    proc connections {} { llength [openLinks] }

    proc recorded {name n} {
        global links record
        if {$n eq "end"} { set n [expr {[llength $links] - 1}] }
        return [expr {[info exists record($n,$name)] ? $record($n,$name) : ""}]
    }

    proc pause {name} { SetPaused $name 1 }
    proc continue {name} { SetPaused $name 0 }

    proc limit {name bytes} {
        set ::limit($name) $bytes
        ListenAnew
    }

    proc inject {name bytes} {
        set link [lindex [openLinks] end]
        if {$link eq ""} { error "no connection is open" }
        puts -nonewline [lindex $link [Position $name]] $bytes
    }

    proc cut {} {
        foreach link [openLinks] { drop [lindex $link 0] }
    }

    proc SetPaused {name state} {
        global paused
        foreach each [expr {$name eq "both" ? {client server} : [list $name]}] {
            set paused($each) $state
        }
        ListenAnew
    }

    proc ListenAnew {} {
        foreach link [openLinks] {
            foreach channel $link { listenTo $channel }
        }
    }

    proc Position {name} { expr {$name eq "client" ? 0 : 1} }
}

proc obey {} {
    if {[gets stdin length] < 0} { exit }
    set order [read stdin $length]
    set failed [catch {namespace eval order $order} value]
    set answer [list [expr {$failed ? "error" : "ok"}] $value]
    puts -nonewline [string length $answer]\n$answer
    flush stdout
}

fconfigure stdin -translation binary
fconfigure stdout -translation binary
fileevent stdin readable obey
vwait forever
