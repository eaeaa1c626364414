# The commands pub, sub and request.

natstcl::command pub {subject {data ""}} "Publishes messages." {
    {count  number 1  "how often"}
    {header list   {} "a header as \"Name: value\""}
    {reply  text   "" "the subject that answers go to"}
    {file   text   "" "take the payload from this file; - is stdin"}
    {lines  flag   0  "make each line of stdin a message"}
    {ack    flag   0  "wait for each message until a stream has stored it"}
} {
    set message [message_to $subject $option(reply) $option(header)]
    set send [expr {$option(ack) ? [list [jet_stream] publish_msg] : [list [connection] publish_msg]}]
    set total [expr {$option(lines) ? 0 : $option(count)}]
    set progress [progress::start published $total]
    if {$option(lines)} { fconfigure stdin -translation {binary lf} }
    set payload [expr {$option(lines) ? "" : [payload $data]}]
    for {set sent 0} {$option(lines) || $sent < $total} {incr sent} {
        if {$option(lines) && [gets stdin payload] < 0} break
        dict set message data $payload
        set answer [{*}$send $message]
        progress::at progress $sent
    }
    settle
    progress::end
    if {$option(ack) && $sent} {
        show_record [list stream text [dict get $answer stream] seq number [dict get $answer seq] \
            messages number $sent]
    } else {
        say "[counted $sent message] published to $subject"
    }
}

natstcl::command sub {subject args} "Shows messages as they come." {
    {count   number 0  "end after so many"}
    {wait    number 0  "end when nothing has come for so many milliseconds"}
    {queue   text   "" "share the messages with the other members of this group"}
    {headers flag   0  "show headers, too"}
    {raw     flag   0  "write payloads as they are, each with a line end"}
    {rate    flag   0  "do not show the messages, but how many come each second"}
} {
    variable received 0
    variable progress [progress::start received $option(count)]
    variable finished 0
    if {$option(raw)} { fconfigure stdout -translation binary }
    set options [list -dictmsg 1 -callback ::natstcl::received]
    if {$option(queue) ne ""} { lappend options -queue $option(queue) }
    foreach pattern [list $subject {*}$args] { [connection] subscribe $pattern {*}$options }
    settle
    say "listening on [join [list $subject {*}$args] ", "]"
    restart_clock
    if {$option(rate)} { show_rate 0 [clock milliseconds] }
    while {!$finished} { vwait ::natstcl::finished }
    progress::end
    [connection] disconnect
    if {$received < $option(count)} {
        throw {NATSTCL NOTHING "wait longer with --wait"} \
            "only [grouped $received] of [grouped $option(count)] messages came"
    }
}

natstcl::command request {subject {data ""}} "Asks, and shows the answers." {
    {replies number 1  "how many answers to wait for; 0 for all until the timeout"}
    {header  list   {} "a header as \"Name: value\""}
    {file    text   "" "take the payload from this file; - is stdin"}
    {headers flag   0  "show headers of answers, too"}
    {raw     flag   0  "write payloads as they are, each with a line end"}
} {
    set message [message_to $subject "" $option(header)]
    dict set message data [payload $data]
    set options [list -dictmsg 1 -timeout $option(timeout)]
    if {$option(raw)} { fconfigure stdout -translation binary }
    if {$option(replies) == 1} {
        show_answer [[connection] request_msg $message {*}$options]
        return
    }
    set answers [[connection] request [dict get $message subject] [dict get $message data] \
        -header [dict get $message header] {*}$options -max_msgs $option(replies)]
    foreach answer $answers { show_answer $answer }
    if {![llength $answers]} {
        throw {NATSTCL NOTHING "is somebody subscribed to this subject?"} "nobody answered on $subject"
    }
}

# A message without data.
proc natstcl::message_to {subject reply headers} {
    set message [nats::msg create $subject -reply $reply]
    foreach header $headers {
        if {![regexp {^([^:]+):\s*(.*)$} $header - name value]} {
            throw [list NATSTCL USAGE ""] "header \"$header\" is not like \"Name: value\""
        }
        nats::header add message [encoded $name] [encoded $value]
    }
    return $message
}

proc natstcl::encoded {text} { encoding convertto utf-8 $text }

# The payload of a message as bytes: from the file or stdin if --file says so, else the argument.
proc natstcl::payload {data} {
    variable option
    if {$option(file) eq ""} { return [encoded $data] }
    if {$option(file) eq "-"} {
        fconfigure stdin -translation binary
        return [::read stdin]
    }
    try {
        set channel [open $option(file) rb]
    } trap POSIX {- details} {
        throw {NATSTCL FAILED "--file - reads from stdin"} \
            "cannot read --file $option(file): [lindex [dict get $details -errorcode] 2]"
    }
    try { return [::read $channel] } finally { close $channel }
}

# The callback of sub. A server may have sent more than the number that ends us.
proc natstcl::received {subject message reply} {
    variable option
    variable received
    variable progress
    variable finished
    if {$finished} return
    incr received
    restart_clock
    if {!$option(rate)} {
        show_message $message "[harmless [text_of $subject]]: "
        flush_soon
    } elseif {$option(count)} {
        progress::at progress $received
    }
    if {$received == $option(count)} { set finished 1 }
}

proc natstcl::restart_clock {} {
    variable option
    variable clock
    if {!$option(wait)} return
    if {[info exists clock]} { after cancel $clock }
    set clock [after $option(wait) {set ::natstcl::finished 1}]
}

# Readers see each message at once, unless they come faster than that.
proc natstcl::flush_soon {} {
    variable flushing
    if {[info exists flushing]} return
    set flushing [after idle {
        unset ::natstcl::flushing
        flush stdout
    }]
}

proc natstcl::show_rate {before since} {
    variable option
    variable received
    set now [clock milliseconds]
    if {$now > $since} {
        set rate [expr {round(($received - $before) * 1000.0 / ($now - $since))}]
        if {$option(json)} {
            show_record [list messages number $received per_second number $rate]
        } else {
            puts "[grouped $received] messages, [grouped $rate]/s"
        }
        flush stdout
    }
    after 1000 [list ::natstcl::show_rate $received $now]
}

# Answers come to subjects that mean nothing to people.
proc natstcl::show_answer {message} { show_message $message "" }

proc natstcl::show_message {message prefix} {
    variable option
    set data [nats::msg data $message]
    if {$option(json)} {
        puts [json::object [list subject text [text_of [nats::msg subject $message]] \
            reply text [text_of [nats::msg reply $message]] \
            headers headers [headers_of $message] {*}[payload_triple $data]]]
    } elseif {$option(raw)} {
        puts $data
    } else {
        puts "$prefix[payload_text $data]"
        if {$option(headers)} {
            dict for {name values} [headers_of $message] {
                foreach value $values { puts "    [harmless "$name: $value"]" }
            }
        }
    }
}

proc natstcl::headers_of {message} {
    set headers {}
    foreach name [nats::header keys $message] {
        dict set headers [text_of $name] [lmap value [nats::header values $message $name] {
            text_of $value
        }]
    }
    return $headers
}

# Bytes as text: as they are where they are not UTF-8.
proc natstcl::text_of {bytes} {
    return [expr {[decoded $bytes text] ? $text : $bytes}]
}
