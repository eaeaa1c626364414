# A connection under faults, and what becomes of each message.
#
# The connection under test reaches a real server through a proxy, where the faults are; a witness
# reaches it directly. Both publish numbers, the connection to the subject d.out, the witness to
# d.in, and each receives what the other publishes.
#
#   faults::start ?configuration?    the server, the proxy and the witness
#   faults::open ?option value …?    the connection, connected and subscribed
#   faults::publish ?n? ?bytes?      it publishes the next n numbers, padded to so many bytes
#   faults::feed ?n? ?header?        so does the witness
#   faults::secure                   waits until all has arrived that can
#   faults::inject script            runs what brings a fault about, and counts it
#   faults::restart                  kills the server and starts it again; the witness is back first
#   faults::recover                  until a loss was seen and the connection is connected again
#   faults::story                    since the last look: the codes of last_error ("-" when cleared)
#                                    and the statuses, as the variables' traces saw them; runs of
#                                    equal ones count as one
#   faults::settle                   closes the accounts of all messages, and looks whether both
#                                    directions work and each session told the server each
#                                    subscription once. Returns complaints; {} if all is well
#   faults::close                    ends the connection, and what the proxy was told to do
#   faults::leftovers                threads and files that were not open at first, or more memory
#                                    than is explained; {} if there are none
#   faults::stop                     ends the rest and prints the figures
#
# Which messages must arrive: see ledger.tcl. What is published without a connection is firm; at each
# loss, before anything else can happen, the connection publishes some.

foreach part {server proxy wait observe ledger} {
    source [file join [file dirname [file normalize [info script]]] $part.tcl]
}

namespace eval faults {
    variable server ""
    variable proxy ""
    variable witness ""
    variable conn ""
    variable seen {}
    variable lines {}
    # All numbers have five digits, so all messages have one length.
    variable number 10000
    # How many messages are published at each loss.
    variable meanwhile 3
    # How many connections the proxy had when the present one was opened, or looked at last.
    variable accepted 0
    # What the process uses without a fault; memory beyond that is the lists of a test file and the
    # whims of the allocator.
    variable normal {}
    variable memory [expr {24 << 20}]
}

proc faults::start {{configuration ""}} {
    variable server [server::start $configuration -jetstream false]
    variable proxy [proxy::start [server::port $server]]
    variable witness [nats::connection new witness -log_level error]
    $witness configure -servers [server::url $server] -reconnect_time_wait 10 \
        -max_reconnect_attempts -1
    $witness connect
    $witness subscribe d.out -callback {faults::Take out}
    # Once through everything, so that what is made once is there.
    open
    proxy::cut $proxy
    recover
    settle
    close
    variable normal [dict create threads [thread_count] files [open_file_count] \
        memory [resident_memory]]
}

proc faults::open {args} {
    variable proxy
    variable accepted [proxy::accepted $proxy]
    variable conn [nats::connection new faults -log_level info \
        -log_chan [log_channel ::faults::lines]]
    foreach direction {in out} { ledger::open $direction }
    $conn configure -servers [proxy::url $proxy] -reconnect_time_wait 1 -reconnect_jitter 0 \
        -max_reconnect_attempts -1 -connect_timeout 60000 {*}$args
    $conn connect
    $conn subscribe d.in -callback {faults::Take in}
    secure
    observe $conn faults::seen
    trace add variable [info object namespace $conn]::status write faults::Lost
}

proc faults::Lost {args} {
    variable conn
    variable meanwhile
    if {[$conn cget status] eq "reconnecting"} { publish $meanwhile }
}

proc faults::close {} {
    variable conn
    variable proxy
    $conn destroy
    proxy::mend $proxy
}

proc faults::Take {direction subject message reply} {
    ledger::got $direction [string range $message 0 4]
}

proc faults::publish {{count 1} {bytes 5}} {
    variable conn
    for {set i 0} {$i < $count} {incr i} {
        Publish $bytes [expr {[$conn cget status] ne "connected"}]
    }
}

proc faults::Publish {bytes firm} {
    variable conn
    set number [Next]
    $conn publish d.out [format %-${bytes}d $number]
    ledger::sent out $number $firm
}

proc faults::feed {{count 1} {header ""}} {
    for {set i 0} {$i < $count} {incr i} { Feed $header 0 }
}

proc faults::Feed {header firm} {
    variable witness
    set number [Next]
    $witness publish d.in $number -header $header
    ledger::sent in $number $firm
}

proc faults::Next {} {
    variable number
    return [incr number]
}

# A server answers a PING behind what it has passed on: after these three, each side has taken
# what the other has sent.
proc faults::Exchange {} {
    variable conn
    variable witness
    foreach each [list $conn $witness $conn] { $each ping -timeout 0 }
}

proc faults::secure {} {
    Exchange
    foreach direction {in out} { ledger::secure $direction }
}

proc faults::inject {script} {
    ledger::injected
    uplevel 1 $script
}

# Nobody would take what the connection sends while the witness is away.
proc faults::restart {} {
    variable server
    variable proxy
    proxy::refuse $proxy
    server::kill $server
    server::restart $server
    waitfor {![catch { $::faults::witness ping }]}
    proxy::mend $proxy
}

proc faults::recover {} {
    variable conn
    variable seen
    waitfor {{status reconnecting} in $seen && [$conn cget status] eq "connected"}
}

proc faults::story {} {
    variable seen
    set story [lmap each $seen {
        expr {[llength $each] == 1 ? "-" : [lindex $each 1]}
    }]
    set seen {}
    return [without_repeats $story]
}

proc faults::settle {} {
    secure
    # Nothing stands between these and their arrival.
    Publish 5 1
    Feed "" 1
    Exchange
    set complaints {}
    foreach direction {in out} {
        lappend complaints {*}[ledger::close $direction]
        ledger::open $direction
    }
    return [concat $complaints [Repetitions]]
}

# What the sessions since the last look told the server more than once.
proc faults::Repetitions {} {
    variable proxy
    variable accepted
    set complaints {}
    for {set n $accepted} {$n < [proxy::accepted $proxy]} {incr n} {
        set lines [regexp -all -inline {(?:^|\n)(?:CONNECT|SUB)[^\r\n]*} [proxy::recorded $proxy client $n]]
        if {[llength $lines] != [llength [lsort -unique $lines]]} {
            lappend complaints "on connection $n: [lsort $lines]"
        }
    }
    # The open one may go on.
    set accepted [expr {$n - 1}]
    return $complaints
}

proc faults::leftovers {} {
    variable normal
    variable memory
    # The last socket is closed in the background.
    if {[catch {
        waitfor {[thread_count] <= [dict get $::faults::normal threads] &&
            [open_file_count] <= [dict get $::faults::normal files]}
    } message]} {
        return $message
    }
    set growth [expr {[resident_memory] - [dict get $normal memory]}]
    return [expr {$growth > $memory ? "$growth bytes of memory" : ""}]
}

proc faults::stop {} {
    variable witness
    variable proxy
    variable server
    $witness destroy
    proxy::stop $proxy
    server::remove $server
    ledger::report
}
