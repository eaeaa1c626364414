# The process behind fake_server.tcl: fake_server_process.tcl address port. Takes orders on stdin
# and ends with it.

lassign $argv address port
set greetings {}
set answer "PONG\r\n"
set channels {}                    ;# of all connections ever; "" for one that has ended
set record {}                      ;# per connection: the bytes that came
set answered {}                    ;# per connection: PINGs that were answered

proc accept {channel address port} {
    global greetings channels record answered
    fconfigure $channel -translation binary -blocking 0 -buffering none
    set n [llength $channels]
    lappend channels $channel
    lappend record ""
    lappend answered 0
    puts -nonewline $channel [lindex $greetings [expr {min($n, [llength $greetings] - 1)}]]
    fileevent $channel readable [list take $n]
}

proc take {n} {
    global channels record answered answer
    set channel [lindex $channels $n]
    if {[catch {read $channel} bytes] || ($bytes eq "" && [eof $channel])} {
        end $n
        return
    }
    lset record $n [lindex $record $n]$bytes
    set pings [regexp -all {(?:^|\n)PING\r(?=\n)} [lindex $record $n]]
    for {set i [lindex $answered $n]} {$i < $pings} {incr i} {
        catch {puts -nonewline $channel $answer}
    }
    lset answered $n $pings
}

proc end {n} {
    global channels
    catch {close [lindex $channels $n]}
    lset channels $n ""
}

namespace eval order {
    proc greet {args} {
        set ::greetings $args
        socket -server ::accept -myaddr $::address $::port
        return
    }

    proc answer {bytes} { set ::answer $bytes }

    proc send {bytes} {
        puts -nonewline [lindex $::channels end] $bytes
    }

    proc received {n} { lindex $::record $n }
    proc accepted {} { llength $::channels }

    proc ended {n} {
        expr {[llength $::channels] > 0 && [lindex $::channels $n] eq ""}
    }

    proc drop {} { ::end [expr {[llength $::channels] - 1}] }
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
