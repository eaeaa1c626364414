# Inputs that somebody chose to do harm: how many were tried, and what they brought onto the wire.
#
#   tried ?n?                    counts inputs
#   hostile_summary              prints the count, for the runner to pass on
#   sent_operations $bytes       what a client has sent, taken apart by the lengths in it: a list of
#                                {verb word …}; an error if it is not wholly operations
#   harmless script              {} if the script works or fails with a code of ours, else what it did
#   harmful_characters           the characters that end lines and words, and those that would become
#                                such if only their low byte were sent

set hostile_inputs 0

proc tried {{count 1}} { incr ::hostile_inputs $count }

proc hostile_summary {} { puts "hostile: $::hostile_inputs inputs tried" }

proc sent_operations {bytes} {
    set operations {}
    set at 0
    while {$at < [string length $bytes]} {
        set end [string first \r\n $bytes $at]
        if {$end < 0} { error "an unfinished line: [string range $bytes $at end]" }
        set line [string range $bytes $at $end-1]
        set at [expr {$end + 2}]
        set words [regexp -all -inline {[^ ]+} $line]
        set verb [lindex $words 0]
        set count [expr {[llength $words] - 1}]
        set lengths {CONNECT {1} PING {0} PONG {0} SUB {2 3} UNSUB {1 2} PUB {2 3} HPUB {3 4}}
        if {$verb eq "CONNECT"} { set count [expr {[regexp {^CONNECT \{.*\}$} $line]}] }
        if {![dict exists $lengths $verb] || $count ni [dict get $lengths $verb]} {
            error "no operation: $line"
        }
        if {$verb in {PUB HPUB}} {
            set at [expr {$at + [lindex $words end]}]
            if {[string range $bytes $at $at+1] ne "\r\n"} { error "a payload without its end: $line" }
            incr at 2
        }
        lappend operations $words
    }
    return $operations
}

proc harmless {script} {
    tried
    try {
        uplevel 1 $script
    } trap NATS {} {
    } on error {message details} {
        # Tcl itself refuses a value that is no list, dict or number, or a wrong number of words.
        if {[lindex [dict get $details -errorcode] 0] ne "TCL"} {
            return [list [dict get $details -errorcode] $message]
        }
    }
    return
}

# Of each low byte one letter among them, which would pass a check for letters.
proc harmful_characters {} {
    set characters [list \r \n \0 " " \t \x0b \x0c \x7f \u0085 \u00a0]
    foreach low {0x0d 0x0a 0x00 0x20 0x09} {
        foreach high {0x01 0x02 0x04 0x1e 0x20 0x4e 0xac} {
            lappend characters [format %c [expr {$high << 8 | $low}]]
        }
    }
    return $characters
}
