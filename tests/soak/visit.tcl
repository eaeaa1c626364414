# What comes and goes: a connection with objects of every class, which works a little. It is made in
# the main interpreter, in interpreters and threads that end, so this file needs nothing but the
# package and wait.tcl.
#
#   visit url          makes it; the result is a dict: the objects, and how many messages were sent
#                      and received
#   leave visit how    ends it: "destroy", "children" first, "rename", "disconnect" before. Requests,
#                      a fetch and a coroutine are left waiting

proc visit {url} {
    set ::visited 0
    set conn [nats::connection new "" -log_level error -log_chan stderr]
    $conn configure -servers $url
    $conn connect
    set js [$conn jet_stream]
    set kv [$js bind_kv_bucket SOAK]
    set objects [list $conn $js $kv \
        [$kv watch setting.* -callback list -values_array ::settings] \
        [$js ordered_consumer SOAK -callback list -deliver_policy new] \
        [$js subscribe_consumer SOAK visitors -callback list]]

    set mine visit.[pid].[clock microseconds].[expr {rand()}]
    $conn subscribe $mine.flow -callback {apply {args { incr ::visited }}}
    $conn subscribe $mine.ask -callback [list apply {{conn subject message reply} {
        $conn publish $reply $message
    }} $conn]
    for {set i 0} {$i < 50} {incr i} { $conn publish $mine.flow [string repeat x [expr {$i * 40}]] }
    foreach question {one two three} {
        if {[$conn request $mine.ask $question] ne $question} { error "wrong answer to $question" }
    }
    waitfor {$::visited == 50}
    $kv put setting.visit $mine

    # Pending at the end.
    $conn subscribe $mine.silent -callback list
    $conn request $mine.silent x -callback list -timeout 60000
    $conn request $mine.silent x -callback list -max_msgs 2 -timeout 60000
    $js fetch SOAK visitors -batch_size 5 -timeout 60000 -callback list
    coroutine waiting[incr ::visits] apply {{conn subject} { catch { $conn request $subject x } }} $conn $mine.silent
    return [dict create connection $conn children [lrange $objects 1 end] \
        sent 53 received 53 objects [llength $objects]]
}

proc leave {visit how} {
    set conn [dict get $visit connection]
    switch $how {
        destroy    { $conn destroy }
        rename     { rename $conn "" }
        disconnect { $conn disconnect; $conn destroy }
        children   {
            foreach object [lreverse [dict get $visit children]] { $object destroy }
            $conn destroy
        }
    }
}
