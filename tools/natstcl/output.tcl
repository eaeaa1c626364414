# What users see: tables and records (or JSON), payloads, and the progress of long work.
#
#   show_rows {name text size bytes} {{a 17} {b 4000}}   a table; each row has the values
#   show_record {name text a size bytes 17}              facts, one in each line
#   say "3 messages published"                           on stderr, unless --quiet
#   set p [progress::start published 1000]; progress::at $p 200; progress::end $p
#
# Kinds of values: text, number, bytes, ms, percent, time (ms since 1970), flag.

proc natstcl::show_rows {columns rows} {
    variable option
    if {$option(json)} {
        foreach row $rows {
            puts [json::object [concat {*}[lmap {name kind} $columns value $row {
                list $name $kind $value
            }]]]
        }
        return
    }
    set names [lmap {name kind} $columns { set name }]
    set lines [list [lmap name $names { string toupper $name }]]
    foreach row $rows {
        lappend lines [lmap {- kind} $columns value $row { readable $kind $value }]
    }
    show_lines [lmap {name kind} $columns { set kind }] $lines
}

proc natstcl::show_lines {kinds lines} {
    set widths [lmap kind $kinds { expr 0 }]
    foreach line $lines {
        set widths [lmap width $widths cell $line { expr {max($width, [string length $cell])} }]
    }
    foreach line $lines {
        set cells [lmap kind $kinds width $widths cell $line {
            format [expr {$kind in {text list flag time} ? "%-*s" : "%*s"}] $width $cell
        }]
        puts [string trimright [join $cells "  "]]
    }
}

proc natstcl::show_record {triples} {
    variable option
    if {$option(json)} {
        puts [json::object $triples]
        return
    }
    set width [tcl::mathfunc::max {*}[lmap {name - -} $triples { string length $name }]]
    foreach {name kind value} $triples {
        puts [string trimright [format "%-*s  %s" $width $name [readable $kind $value]]]
    }
}

proc natstcl::readable {kind value} {
    if {$value eq ""} { return "" }
    switch $kind {
        number  { return [grouped $value] }
        bytes   { return [size $value] }
        ms      { return [expr {$value ? "[grouped $value] ms" : "none"}] }
        percent { return "$value %" }
        time    { return [string map {T " "} [nats::msec_to_isotime $value :localtime]] }
        flag    { return [expr {$value ? "yes" : "no"}] }
        list    { return [one_line [join $value ", "]] }
        default { return [one_line $value] }
    }
}

# 1234567 as 1,234,567.
proc natstcl::grouped {number} {
    while {[regsub {^(-?\d+)(\d{3})} $number {\1,\2} number]} {}
    return $number
}

proc natstcl::counted {number thing} {
    return "[grouped $number] $thing[expr {$number == 1 ? "" : "s"}]"
}

proc natstcl::size {bytes} {
    foreach unit {B KiB MiB GiB TiB} {
        if {$bytes < 1024 || $unit eq "TiB"} break
        set bytes [expr {$bytes / 1024.0}]
    }
    return [expr {$unit eq "B" ? "$bytes B" : [format "%.1f %s" $bytes $unit]}]
}

# Text whose control characters cannot do anything to a terminal, C1 included.
proc natstcl::harmless {text} {
    set result ""
    foreach part [regexp -all -inline {[\x00-\x08\x0b-\x1f\x7f-\x9f]|[^\x00-\x08\x0b-\x1f\x7f-\x9f]+} $text] {
        append result [expr {[regexp {^[\x00-\x08\x0b-\x1f\x7f-\x9f]$} $part] ?
            [format {\x%02x} [scan $part %c]] : $part}]
    }
    return $result
}

# The same for text that must not break a line or a column of a table.
proc natstcl::one_line {text} { return [string map {\n \\x0a \t \\x09} [harmless $text]] }

# Bytes of a message as text, or "" and false when they are not UTF-8.
proc natstcl::decoded {bytes textVar} {
    upvar 1 $textVar text
    set text ""
    if {[catch { encoding convertfrom utf-8 $bytes } decoded]} { return 0 }
    if {[encoding convertto utf-8 $decoded] ne $bytes} { return 0 }
    set text $decoded
    return 1
}

# A payload for people.
proc natstcl::payload_text {bytes} {
    if {[decoded $bytes text]} { return [harmless $text] }
    return "([grouped [string length $bytes]] bytes, not text)"
}

# The member of a JSON object that holds a payload.
proc natstcl::payload_triple {bytes {name data}} {
    if {[decoded $bytes text]} { return [list $name text $text] }
    return [list ${name}_base64 text [binary encode base64 $bytes]]
}

proc natstcl::say {text} {
    variable option
    if {!$option(quiet)} { puts stderr $text }
}

# One line on a terminal that tells how far long work has come, twice a second from the first half
# second on.
namespace eval natstcl::progress {
    variable shown 0
}

# The number is 0 where the end is not known.
proc natstcl::progress::start {what {total 0}} {
    upvar #0 ::natstcl::option option
    set wanted [expr {!$option(quiet) && ($option(progress) || ![catch {fconfigure stderr -mode}])}]
    set now [clock milliseconds]
    return [dict create what $what total $total started $now \
        next [expr {$wanted ? $now + 500 : "never"}]]
}

proc natstcl::progress::at {variable done} {
    upvar 1 $variable progress
    variable shown
    set now [clock milliseconds]
    if {[dict get $progress next] eq "never" || $now < [dict get $progress next]} return
    dict set progress next [expr {$now + 500}]
    puts -nonewline stderr "\r\033\[K[line $progress $done $now]"
    flush stderr
    set shown 1
}

proc natstcl::progress::line {progress done now} {
    set total [dict get $progress total]
    set line "[dict get $progress what] [::natstcl::grouped $done]"
    if {$total} {
        set part [expr {min(1.0, double($done) / $total)}]
        set filled [expr {int(20 * $part)}]
        append line [format " of %s \[%s%s\] %d %%" [::natstcl::grouped $total] \
            [string repeat # $filled] [string repeat . [expr {20 - $filled}]] [expr {int(100 * $part)}]]
    }
    set seconds [expr {max($now - [dict get $progress started], 1) / 1000.0}]
    return "$line, [::natstcl::grouped [expr {round($done / $seconds)}]]/s"
}

# Clears the line, so that what follows begins at the margin.
proc natstcl::progress::end {} {
    variable shown
    if {$shown} { puts -nonewline stderr "\r\033\[K"; flush stderr }
    set shown 0
}
