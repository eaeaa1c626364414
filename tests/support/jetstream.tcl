# JetStream for tests; needs server.tcl.
#
#   jetstream_begin ?options?   a server with JetStream: $server, the connection $conn to it, and $js
#                               made of it with the options. A stream STAYS is there: with its last
#                               stream on disk a server removes their folder, for a moment in which
#                               it cannot make another one
#   jetstream_end
#   server_is_at_least 2.11     for constraints: some configuration fields are new
#
# An API of our own shows what a request looks like, and answers what no server would. The requests
# of $stub, which has the API prefix "stub", go to it:
#
#   stub_begin; stub_end        after jetstream_begin
#   asked {script} ?answer …?   runs the script while requests get these answers in turn, the last
#                               one again and again; the result is {outcome {suffix body} …}, with
#                               the outcome as "failure" gives it
#   requests {script} ?answer …?    the same without the outcome

proc jetstream_begin {args} {
    set ::server [server::start]
    set ::conn [nats::connection new test -log_level error -log_chan stderr]
    $::conn configure -servers [server::url $::server] -connect_timeout 60000
    $::conn connect
    set ::js [$::conn jet_stream {*}$args]
    $::js add_stream STAYS
}

proc jetstream_end {} {
    $::conn destroy
    server::remove $::server
}

proc server_is_at_least {version} {
    return [package vsatisfies [dict get [$::conn server_info] version] $version-]
}

proc stub_begin {} {
    set ::stub [$::conn jet_stream -api_prefix stub -timeout 5000]
    set ::stub_api [nats::connection new]
    $::stub_api configure -servers [server::url $::server] -connect_timeout 60000
    $::stub_api connect
    $::stub_api subscribe stub.> -callback StubAnswer
    $::stub_api ping
}

proc stub_end {} { $::stub_api destroy }

proc StubAnswer {subject body reply} {
    lappend ::stub_requests [list [string range $subject 5 end] $body]
    $::stub_api publish $reply [lindex $::stub_answers 0]
    if {[llength $::stub_answers] > 1} { set ::stub_answers [lrange $::stub_answers 1 end] }
}

proc asked {script args} {
    set ::stub_requests {}
    set ::stub_answers [expr {[llength $args] ? $args : {{{"success":true}}}}]
    set outcome [uplevel 1 [list failure $script]]
    return [list $outcome {*}$::stub_requests]
}

proc requests {script args} {
    return [lrange [uplevel 1 [list asked $script {*}$args]] 1 end]
}
