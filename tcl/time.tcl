# Times as text in the layout YYYY-MM-DDThh:mm:ss.mmm. `isotime_to_msec` is native.

proc ::nats::timestamp {} { LocalTime [clock milliseconds] }

proc ::nats::msec_to_isotime {msec {tz +0000}} { FormatTime $msec -timezone $tz }

proc ::nats::LocalTime {msec} { FormatTime $msec }

# Division and remainder round down in Tcl, so times before 1970 come out right.
proc ::nats::FormatTime {msec args} {
    set seconds [clock format [expr {$msec / 1000}] -format %Y-%m-%dT%H:%M:%S {*}$args]
    return $seconds.[format %03d [expr {$msec % 1000}]]
}
