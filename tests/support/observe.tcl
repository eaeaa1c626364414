# What a connection shows to scripts: its states, its log, its background errors.
#
#   observe $conn seen        from now on appends to the global variable: {status connected},
#                             {last_error} when it is cleared, {last_error ErrX text} otherwise
#   log_channel lines         a channel for -log_chan; appends {level text} per line to the global
#                             variable, whatever the time and name in front
#   texts $lines warn         the texts of one level
#   background_errors errors  collects {code message} of background errors instead of printing
#   without_repeats $list     runs of equal elements count as one

proc observe {conn variable} {
    set ::$variable {}
    foreach name {status last_error} {
        trace add variable [info object namespace $conn]::$name write \
            [list Observed $variable $name]
    }
}

proc Observed {variable name fullName args} {
    upvar 1 $fullName value
    if {$name eq "status"} {
        lappend ::$variable [list status $value]
    } elseif {$value eq ""} {
        lappend ::$variable last_error
    } else {
        lappend ::$variable [list last_error [lindex [dict get $value code] 1] \
            [dict get $value errorMessage]]
    }
}

proc log_channel {variable} {
    set ::$variable {}
    set channel [chan create write [list LogChannel $variable]]
    chan configure $channel -buffering line -encoding utf-8 -translation lf
    return $channel
}

proc LogChannel {variable method channel args} {
    switch $method {
        initialize { return {initialize finalize watch write} }
        write {
            foreach line [split [string trimright [lindex $args 0] \n] \n] {
                if {[regexp {^\[\S+ .*? (error|warn|info|debug)\] (.*)$} $line -> level text]} {
                    lappend ::$variable [list $level $text]
                } else {
                    lappend ::$variable [list malformed $line]
                }
            }
            return [string length [lindex $args 0]]
        }
    }
}

proc texts {lines level} {
    set texts {}
    foreach line $lines {
        if {[lindex $line 0] eq $level} { lappend texts [lindex $line 1] }
    }
    return $texts
}

proc background_errors {variable} {
    set ::$variable {}
    interp bgerror {} [list BackgroundError $variable]
}

proc BackgroundError {variable message details} {
    set code [dict get $details -errorcode]
    if {[lindex $code 0] eq "NATS"} { set code [lindex $code 1] }
    lappend ::$variable [list $code $message]
}

proc without_repeats {list} {
    set result {}
    foreach element $list {
        if {$element ne [lindex $result end]} { lappend result $element }
    }
    return $result
}
