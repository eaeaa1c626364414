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
array set cutAfter {client "" server ""}  ;# bytes that still pass before a connection is cut, once
array set pace {client {} server {}}    ;# bytes that pass at a time, and ms until the next ones
array set delay {client 0 server 0}     ;# ms that everything takes on its way
array set blocked {}               ;# channel -> waits until its peer takes more
array set ended {}                 ;# channel -> has said all it had to say
array set resting {}               ;# channel -> waits for its next turn at its pace
array set silenced {}              ;# index of a connection on which nothing passes any more -> 1

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
    global number peer side paused blocked ended resting silenced
    if {![info exists peer($channel)]} return
    set silent [expr {$paused($side($channel)) || [info exists blocked($channel)] ||
        [info exists ended($channel)] || [info exists resting($channel)] ||
        [info exists silenced($number($channel))] || [roomToLimit $channel] == 0}]
    fileevent $channel readable [expr {$silent ? "" : [list forward $channel]}]
}

# How much a connection's limit still lets through from a channel.
proc roomToLimit {channel} {
    global number side record limit
    if {$limit($side($channel)) eq ""} { return 65536 }
    set taken [string length $record($number($channel),$side($channel))]
    return [expr {max(0, $limit($side($channel)) - $taken)}]
}

# How much may be read from a channel at once.
proc room {channel} {
    global side cutAfter pace
    set name $side($channel)
    set rooms [list 65536 [roomToLimit $channel]]
    if {$cutAfter($name) ne ""} { lappend rooms $cutAfter($name) }
    lassign $pace($name) bytes
    if {$bytes ne ""} { lappend rooms $bytes }
    return [tcl::mathfunc::min {*}$rooms]
}

proc forward {from} {
    global number side record cutAfter delay
    set name $side($from)
    if {$cutAfter($name) eq 0} { return [carryOutCut $from] }
    if {[catch {read $from [room $from]} bytes]} { return [drop $from] }
    append record($number($from),$name) $bytes
    if {$cutAfter($name) ne ""} { incr cutAfter($name) -[string length $bytes] }
    if {$delay($name) == 0} { return [pass $from $bytes [eof $from]] }
    later $delay($name) pass $from $bytes [eof $from]
    if {[eof $from]} { fileevent $from readable {} }
}

proc pass {from bytes last} {
    global side peer cutAfter pace
    if {[catch {puts -nonewline $peer($from) $bytes}]} { return [drop $from] }
    if {$cutAfter($side($from)) eq 0 && $bytes ne ""} { return [carryOutCut $from] }
    if {[chan pending output $peer($from)] > 0} {
        waitForRoom $from
    } elseif {$last} {
        passEndOn $from
    } elseif {[llength $pace($side($from))]} {
        rest $from
    } else {
        listenTo $from
    }
}

proc carryOutCut {from} {
    global side cutAfter
    set cutAfter($side($from)) ""
    drop $from
}

proc rest {channel} {
    global side pace resting
    set resting($channel) 1
    listenTo $channel
    later [lindex $pace($side($channel)) 1] wake $channel
}

proc wake {channel} {
    unset -nocomplain ::resting($channel)
    listenTo $channel
}

# Calls a command with a channel and more after so many ms, if its connection is still there.
proc later {ms command channel args} {
    after $ms [list apply {{n command channel args} {
        global number peer
        if {[info exists peer($channel)] && $number($channel) == $n} { $command $channel {*}$args }
    }} $::number($channel) $command $channel {*}$args]
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
    global links number peer blocked ended resting
    lset links $number($channel) {}
    foreach end [list $channel $peer($channel)] {
        unset -nocomplain peer($end) blocked($end) ended($end) resting($end)
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
    proc accepted {} { llength $::links }

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

    proc cut_after {name bytes} {
        set ::cutAfter($name) $bytes
        return
    }

    proc pace {name bytes ms} {
        set ::pace($name) [expr {$bytes eq "" ? {} : [list $bytes $ms]}]
        ListenAnew
    }

    proc delay {name ms} {
        set ::delay($name) $ms
        return
    }

    proc silence {} {
        foreach link [openLinks] { set ::silenced($::number([lindex $link 0])) 1 }
        ListenAnew
    }

    # Closing a socket whose input was not read resets its connection.
    proc reset {} {
        foreach link [openLinks] {
            set client [lindex $link 0]
            fileevent $client readable [list ::drop $client]
        }
    }

    proc inject {name bytes} {
        set link [lindex [openLinks] end]
        if {$link eq ""} { error "no connection is open" }
        puts -nonewline [lindex $link [Position $name]] $bytes
    }

    proc cut {name bytes} {
        foreach link [openLinks] { drop [lindex $link 0] }
        if {$name ne ""} { cut_after $name $bytes }
    }

    proc mend {} {
        foreach name {client server} {
            limit $name ""
            cut_after $name ""
            pace $name "" 0
            delay $name 0
            continue $name
        }
        accept
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
