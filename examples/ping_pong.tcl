# Ping-pong with binary payloads: messages in the encoding of Protocol Buffers, as programs in other
# languages would read and write them. The definition would be:
#
#   message Ball { uint64 number = 1; string player = 2; bytes spin = 3; fixed64 sent_us = 4; }
package require nats

set server [expr {[info exists env(NATS_URL)] ? $env(NATS_URL) : "nats://localhost:4222"}]

# A field is a key, which has its number and the kind of its encoding, and its value.
proc encode_ball {ball} {
    dict with ball {}
    set player [encoding convertto utf-8 $player]
    return [binary format a*a*a*a*a*a*a*a*a*w \
        [varint [expr {1 << 3 | 0}]] [varint $number] \
        [varint [expr {2 << 3 | 2}]] [varint [string length $player]] $player \
        [varint [expr {3 << 3 | 2}]] [varint [string length $spin]] $spin \
        [varint [expr {4 << 3 | 1}]] $sent_us]
}

proc decode_ball {bytes} {
    # What is missing has the default of its type.
    set ball [dict create number 0 player "" spin "" sent_us 0]
    set at 0
    while {$at < [string length $bytes]} {
        set key [read_varint $bytes at]
        switch [expr {$key & 7}] {
            0 { set value [read_varint $bytes at] }
            1 { binary scan $bytes @${at}w value; incr at 8 }
            2 {
                set length [read_varint $bytes at]
                set value [string range $bytes $at [expr {$at + $length - 1}]]
                incr at $length
            }
            5 { binary scan $bytes @${at}i value; incr at 4 }
            default { error "no Protocol Buffers message" }
        }
        # Fields of later versions of the definition are ignored.
        switch [expr {$key >> 3}] {
            1 { dict set ball number $value }
            2 { dict set ball player [encoding convertfrom utf-8 $value] }
            3 { dict set ball spin $value }
            4 { dict set ball sent_us $value }
        }
    }
    return $ball
}

# Numbers go seven bits at a time, the lowest first; the eighth bit says that there are more.
proc varint {number} {
    while {$number > 127} {
        append bytes [binary format c [expr {$number & 127 | 128}]]
        set number [expr {$number >> 7}]
    }
    return [append bytes [binary format c $number]]
}

proc read_varint {bytes atVar} {
    upvar 1 $atVar at
    set number 0
    for {set shift 0} {$shift < 64} {incr shift 7} {
        if {![binary scan $bytes @${at}cu byte]} { error "the message ends too early" }
        incr at
        incr number [expr {($byte & 127) << $shift}]
        if {$byte < 128} { return $number }
    }
    error "a number has more than 64 bits"
}

# The one who returns each ball, with the spin reversed.
set pong [nats::connection new pong]
$pong configure -servers $server
$pong connect
$pong subscribe table -callback return_ball
proc return_ball {subject bytes reply} {
    set ball [decode_ball $bytes]
    dict set ball player Bj\u00f6rn
    dict set ball spin [string reverse [dict get $ball spin]]
    $::pong publish $reply [encode_ball $ball]
}

set ping [nats::connection new ping]
$ping configure -servers $server
$ping connect
# When the server has answered, it knows of the subscription.
$pong ping
foreach number {1 300 70000} {
    set ball [dict create number $number player Agnes spin \x00\x80\xff sent_us [clock microseconds]]
    set ball [decode_ball [$ping request table [encode_ball $ball]]]
    binary scan [dict get $ball spin] H* spin
    puts "ball [dict get $ball number] came back from [dict get $ball player], spin $spin"
    lappend times [expr {[clock microseconds] - [dict get $ball sent_us]}]
}
puts "the quickest took [tcl::mathfunc::min {*}$times] microseconds"
$ping destroy
$pong destroy
