# A bucket whose server is the test itself; needs consuming.tcl and what that needs.
#
#   scripted_bucket ?config?   after api_begin: $kv, a bucket B of $stub, with these fields of JSON in
#                              its stream's configuration
#   created pending ?behind?   the next consumer is made with so many entries to deliver, behind that
#                              revision; its name is a new one, $created
#   entry key revision cseq pending ?value? ?operation?
#                              an entry from the newest consumer, with its number there
#   heartbeat cseq             a sign of life from it, after which it has nothing to send

proc scripted_bucket {{config {"allow_direct":true}}} {
    api_answer STREAM.INFO.KV_B "{\"config\":{\"name\":\"KV_B\",\"max_msgs_per_subject\":1,$config}}"
    set ::kv [$::stub bind_kv_bucket B]
    set ::created 0
}

proc created {pending {behind 0}} {
    api_answer CONSUMER.CREATE.KV_B [format {{"name":"N%d","stream_name":"KV_B","num_pending":%s,%s}} \
        [incr ::created] $pending [format {"delivered":{"consumer_seq":0,"stream_seq":%d}} $behind]]
}

proc inbox {} { deliver_subject CONSUMER.CREATE.KV_B }

proc entry {key revision cseq pending {value v} {operation ""}} {
    set headers [expr {$operation eq "" ? "" : [list KV-Operation $operation]}]
    Inject [inbox] \$JS.ACK.KV_B.N.1.$revision.$cseq.1700000000123456789.$pending \
        NATS/1.0 $headers $value \$KV.B.$key
}

proc heartbeat {cseq} { say [inbox] 100 {Idle Heartbeat} [list Nats-Last-Consumer $cseq] }
