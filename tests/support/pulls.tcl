# An API that answers pull requests as a test wants it; needs jetstream.tcl.
#
#   pulls_begin                       after jetstream_begin: $pulls, with the API prefix "pulls"
#   pulls_end
#   set plan {item …}                 what a pull request gets from now on:
#       {message data ?header?}           a message as a consumer delivers it
#       {status 409 {Some Words}}         a status
#   pull_more item …                  the same for the latest request, later
#   $pull_bodies                      what requests held
#   set consumer_known 0              whether the consumer is there when it is looked up
#   $lookups                          how often it was

proc pulls_begin {} {
    set ::pulls [$::conn jet_stream -api_prefix pulls -timeout 5000]
    set ::pull_api [nats::connection new]
    $::pull_api configure -servers [server::url $::server] -connect_timeout 60000
    $::pull_api connect
    $::pull_api subscribe pulls.CONSUMER.MSG.NEXT.> -callback PullAsked
    $::pull_api subscribe pulls.CONSUMER.INFO.> -callback PullLookedUp
    $::pull_api ping
    pulls_reset
}

proc pulls_reset {} {
    set ::plan {}
    set ::pull_bodies {}
    set ::consumer_known 1
    set ::lookups 0
    set ::pull_inbox ""
}

proc pulls_end {} { $::pull_api destroy }

proc pull_more {args} {
    foreach item $args {
        lassign $item kind first second
        set message [nats::msg create $::pull_inbox]
        if {$kind eq "message"} {
            nats::msg set message -data $first
            nats::msg set message -reply ack.here
            dict for {key values} $second { dict set message header $key $values }
        } else {
            nats::header set message Status $first Description $second
        }
        $::pull_api publish_msg $message
    }
}

proc PullAsked {subject body reply} {
    lappend ::pull_bodies $body
    set ::pull_inbox $reply
    pull_more {*}$::plan
}

proc PullLookedUp {subject body reply} {
    incr ::lookups
    set answer {{"error":{"code":404,"err_code":10014,"description":"consumer not found"}}}
    if {$::consumer_known} { set answer {{"name":"C"}} }
    $::pull_api publish $reply $answer
}
