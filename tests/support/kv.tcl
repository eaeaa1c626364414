# What tests of buckets share.

# The JSON that the last request to an API subject like the pattern carried, as a proxy recorded it.
proc api_body {proxy pattern} {
    set found ""
    foreach {- subject body} [regexp -all -inline \
            {PUB (\S+) \S+ \d+\r\n([^\r]*)\r\n} [proxy::recorded $proxy client]] {
        if {[string match $pattern $subject]} { set found $body }
    }
    return $found
}

# What clients have sent through a proxy since the last call, without the subjects of replies.
proc sent {proxy} {
    global sent_before
    set all [proxy::recorded $proxy client]
    set start [expr {[info exists sent_before($proxy)] ? $sent_before($proxy) : 0}]
    set sent_before($proxy) [string length $all]
    return [regsub -all {_INBOX\S+} [string range $all $start end] INBOX]
}

# Some of the keys of a dict with their values, in the order of the keys.
proc part {dict args} {
    set part {}
    foreach key $args { if {[dict exists $dict $key]} { lappend part $key [dict get $dict $key] } }
    return $part
}

# Whether the server of a connection is at least of this version.
proc server_is {connection version} {
    set running [dict get [$connection server_info] version]
    regexp {^\d+\.\d+\.\d+} $running running
    return [expr {[package vcompare $running $version] >= 0}]
}

# What a failed script says of its outcome beside its error code: "unknown" for a write that may
# have been done, "" where nothing was written.
proc outcome {script} {
    if {![catch {uplevel 1 $script} - details]} { return done }
    return [expr {[dict exists $details -outcome] ? [dict get $details -outcome] : ""}]
}
