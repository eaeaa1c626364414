# The process behind http_proxy.tcl: http_proxy_process.tcl port. Takes orders on stdin and ends
# with it.

set how tunnel
set details ""
set requests {}
array set head {}                  ;# client channel -> what it has said of its request
array set peer {}                  ;# channel -> the other end of its tunnel

proc accept {channel address port} {
    fconfigure $channel -translation binary -blocking 0 -buffering none
    set ::head($channel) ""
    fileevent $channel readable [list hear $channel]
}

proc hear {client} {
    global head requests
    if {[catch {read $client} bytes] || ($bytes eq "" && [eof $client])} { return [drop $client] }
    append head($client) $bytes
    if {[string first \r\n\r\n $head($client)] < 0} return
    lappend requests $head($client)
    fileevent $client readable {}
    answer $client $head($client)
}

proc answer {client request} {
    global how details
    switch $how {
        tunnel - joined { open_tunnel $client $request }
        login {
            if {[string match "*\r\nProxy-Authorization: Basic $details\r\n*" $request]} {
                open_tunnel $client $request
            } else {
                puts -nonewline $client "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
            }
        }
        say { puts -nonewline $client $details }
        end {
            puts -nonewline $client $details
            drop $client
        }
        endless {
            puts -nonewline $client "HTTP/1.1 200 OK\r\n"
            fileevent $client writable [list babble $client]
        }
    }
}

proc babble {client} {
    if {[catch {puts -nonewline $client "X: [string repeat x 1000]\r\n"}]} { drop $client }
}

proc open_tunnel {client request} {
    global peer how
    if {![regexp {^CONNECT (\S+):(\d+) HTTP/1\.1\r\n} $request -> host port]
            || [catch {socket [string trim $host {[]}] $port} server]} {
        puts -nonewline $client "HTTP/1.1 502 Bad Gateway\r\n\r\n"
        return
    }
    set greeting "HTTP/1.1 200 Connection established\r\n\r\n"
    if {$how eq "joined"} {
        append greeting [gets $server]\n
    }
    fconfigure $server -translation binary -blocking 0 -buffering none
    puts -nonewline $client $greeting
    set peer($client) $server
    set peer($server) $client
    # fcopy waits for the other side by itself, and brings the end across.
    fcopy $client $server -command [list finished $client $server]
    fcopy $server $client -command [list finished $server $client]
}

proc finished {from to args} {
    if {[catch {close $to write}]} { drop $from }
    incr ::ended($from)
    if {[info exists ::ended($to)]} { drop $from }
}

proc drop {channel} {
    global peer head ended
    foreach each [list $channel [expr {[info exists peer($channel)] ? $peer($channel) : ""}]] {
        catch {close $each}
        unset -nocomplain peer($each) head($each) ended($each)
    }
}

namespace eval order {
    proc answer {how args} {
        set ::how $how
        set ::details [lindex $args 0]
        return
    }

    proc requests {} { return $::requests }

    proc cut {} {
        foreach channel [array names ::head] { ::drop $channel }
    }
}

proc obey {} {
    if {[gets stdin length] < 0} { exit }
    set order [read stdin $length]
    set failed [catch {namespace eval order $order} value]
    set answer [list [expr {$failed ? "error" : "ok"}] $value]
    puts -nonewline [string length $answer]\n$answer
    flush stdout
}

socket -server accept -myaddr 127.0.0.1 [lindex $argv 0]
fconfigure stdin -translation binary
fconfigure stdout -translation binary
fileevent stdin readable obey
vwait forever
