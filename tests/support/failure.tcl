# What a script fails with: its error code without the leading NATS, and its message, as in
#   failure {$c ping}    ->    ErrConnectionClosed {No connection to NATS server}
# A script that succeeds gives "ok" and its result; codes of others stay whole.
proc failure {script} {
    if {![catch {uplevel 1 $script} message details]} { return [list ok $message] }
    set code [dict get $details -errorcode]
    if {[lindex $code 0] eq "NATS" && [llength $code] == 2} { set code [lindex $code 1] }
    return [list $code $message]
}
