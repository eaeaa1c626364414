# JSON for what the tool writes. A value's kind is told by its column, see output.tcl.

namespace eval natstcl::json {}

# A JSON object of triples: name, kind, value.
proc natstcl::json::object {triples} {
    set members {}
    foreach {name kind value} $triples {
        lappend members "[string_of $name]:[value $kind $value]"
    }
    return "{[join $members ,]}"
}

# Kinds: text, number and all that is counted, time (ms since 1970), flag, headers (a dict of
# lists), list (of texts).
proc natstcl::json::value {kind value} {
    switch $kind {
        number - bytes - ms - percent { return [expr {$value eq "" ? "null" : $value}] }
        flag    { return [expr {$value ? "true" : "false"}] }
        time    {
            return [expr {$value eq "" ? "null" : [string_of [nats::msec_to_isotime $value]Z]}]
        }
        list    { return "\[[join [lmap text $value { string_of $text }] ,]\]" }
        headers { return [object [concat {*}[lmap {key values} $value { list $key list $values }]]] }
        default { return [string_of $value] }
    }
}

# Beside what JSON asks for, everything that is not ASCII is escaped: so the output is the same in
# every locale.
proc natstcl::json::string_of {text} {
    set result ""
    foreach char [split $text ""] {
        scan $char %c code
        if {$char in {\" \\}} {
            append result \\ $char
        } elseif {$code >= 32 && $code < 127} {
            append result $char
        } elseif {$code > 0xffff} {
            incr code -0x10000
            append result [format {\u%04x\u%04x} \
                [expr {0xd800 | ($code >> 10)}] [expr {0xdc00 | ($code & 0x3ff)}]]
        } else {
            append result [format {\u%04x} $code]
        }
    }
    return \"$result\"
}
