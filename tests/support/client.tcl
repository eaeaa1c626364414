# Connections under test, and what they log.

# A connection to the url, connected, with the options configured. It has the time for an attempt that
# a busy machine needs, and does not give up while a server restarts slowly. Its log goes to the channel $::log if there is one, else only errors are shown.
proc connected {url args} {
    if {[info exists ::log]} {
        set c [nats::connection new test -log_chan $::log]
    } else {
        set c [nats::connection new test -log_level error -log_chan stderr]
    }
    $c configure -servers $url -reconnect_time_wait 50 -max_reconnect_attempts -1 \
        -connect_timeout 60000 {*}$args
    $c connect
    return $c
}

# One of the counters of a connection.
proc stat {connection name} { dict get [$connection stats] $name }

# A channel for a log; log_lines gives what was written to it so far, as a list.
proc log_channel {} {
    set channel [file tempfile path]
    fconfigure $channel -buffering line
    set ::log_path($channel) $path
    return $channel
}

proc log_lines {channel {pattern *}} {
    set file [open $::log_path($channel)]
    try {
        return [lsearch -all -inline -glob [split [string trimright [read $file] \n] \n] $pattern]
    } finally {
        close $file
    }
}

proc close_log {channel} {
    close $channel
    file delete $::log_path($channel)
    unset ::log_path($channel)
}
