# A JetStream API of a test's own for consumers that go on and on; needs server.tcl, proxy.tcl,
# wait.tcl, jetstream.tcl and its jetstream_begin.
#
#   api_begin ?options?      $stub, a jet_stream whose requests come here, made with the options; its
#                            connection $stub_conn goes through $stub_proxy
#   api_end
#   api_answer suffix json   what requests with this suffix get; a pattern as for "string match".
#                            Without an answer they get none
#   api_bodies suffix        the bodies of the requests so far
#   api_inbox suffix         the reply subject of the last one
#   deliver_subject suffix ?n?   where the consumer that the last one (or number n) asks for delivers;
#                            without n, once the client listens there
#   say inbox code ?description? ?headers? ?reply?
#                            sends a status as servers do, on the newest connection
#   deliver inbox sseq cseq data ?headers?
#                            sends a message as consumers do
#   last_error object        the variable

proc api_begin {args} {
    set ::stub_proxy [proxy::start [server::port $::server]]
    set ::stub_lines {}
    set ::stub_conn [nats::connection new stub -log_chan [log_channel ::stub_lines]]
    $::stub_conn configure -servers [proxy::url $::stub_proxy] -reconnect_time_wait 10 -reconnect_jitter 0 \
        -max_reconnect_attempts -1 -connect_timeout 60000
    $::stub_conn connect
    set ::stub [$::stub_conn jet_stream -api_prefix stub -timeout 20000 {*}$args]
    set ::api [nats::connection new]
    $::api configure -servers [server::url $::server] -connect_timeout 60000
    $::api connect
    $::api subscribe stub.> -callback ApiAnswer
    $::api ping
    array unset ::api_answers
    set ::api_requests {}
}

proc api_end {} {
    catch { $::stub_conn destroy }
    $::api destroy
    proxy::stop $::stub_proxy
}

proc api_answer {suffix json} { set ::api_answers($suffix) $json }

proc api_bodies {suffix} {
    lmap request $::api_requests {
        if {![string match $suffix [lindex $request 0]]} continue
        lindex $request 1
    }
}

proc api_inbox {suffix} {
    foreach request [lreverse $::api_requests] {
        if {[string match $suffix [lindex $request 0]]} { return [lindex $request 2] }
    }
    error "there was no request $suffix"
}

proc deliver_subject {suffix {n ""}} {
    if {$n eq ""} {
        # A request whose answer takes its time is repeated, with another inbox.
        waitfor {[string first "SUB [deliver_subject $suffix end] " [proxy::recorded $::stub_proxy client]] >= 0}
        set n end
    }
    regexp {"deliver_subject":"([^"]*)"} [lindex [api_bodies $suffix] $n] -> inbox
    return $inbox
}

proc ApiAnswer {subject body reply} {
    set suffix [string range $subject 5 end]
    lappend ::api_requests [list $suffix $body $reply]
    foreach {pattern json} [array get ::api_answers] {
        if {[string match $pattern $suffix]} { $::api publish $reply $json }
    }
}

proc say {inbox code {description ""} {headers ""} {reply ""}} {
    Inject $inbox $reply "NATS/1.0 $code[expr {$description eq "" ? "" : " $description"}]" $headers ""
}

proc deliver {inbox sseq cseq data {headers ""}} {
    set reply \$JS.ACK.S.C.1.$sseq.$cseq.1700000000000000000.0
    Inject $inbox $reply NATS/1.0 $headers $data
}

proc Inject {inbox reply first headers data {subject ""}} {
    set block $first\r\n
    foreach {key value} $headers { append block "$key: $value\r\n" }
    append block \r\n
    set subscribed "SUB [string map {. \\.} $inbox]  (\\d+)\r\n"
    holdfor {[regexp $subscribed [proxy::recorded $::stub_proxy client] -> sid]}
    set size [string length $block]
    set total [expr {$size + [string length $data]}]
    proxy::inject $::stub_proxy client \
        "HMSG [expr {$subject eq "" ? $inbox : $subject}] $sid [concat $reply $size $total]\r\n$block$data\r\n"
}

proc last_error {object} { set [info object namespace $object]::last_error }
