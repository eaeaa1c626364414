# What a command is, how its words are read, and its help.
#
#   natstcl::command {kv get} {bucket key} "Shows a value." {
#       {revision number "" "an older revision"}
#   } { puts [[bucket $bucket] get_value $key] }
#
# The second list is that of a proc. A row of options is: name, kind, default, explanation. The kinds
# are flag, number, positive, text, and list (which may be given several times). A body finds all options in
# the array `option`.

namespace eval natstcl {
    variable commands {}
    # What is found out of the words of the user: see `read_words`.
    variable option
    variable common {
        {server    text   ""      "URLs of servers, with commas between them; else NATS_URL"}
        {user      text   ""      "name to log in with; else NATS_USER"}
        {password  text   ""      "its password; rather NATS_PASSWORD, which ps does not show"}
        {token     text   ""      "a token to log in with; rather NATS_TOKEN"}
        {creds     text   ""      "a file with JWT and seed; else NATS_CREDS"}
        {nkey      text   ""      "a file with the seed of an NKey; else NATS_NKEY"}
        {tls       flag   0       "refuse servers without TLS"}
        {tls-first flag   0       "begin with TLS, for servers that want it so"}
        {ca        text   ""      "a file with the authorities to trust; else those of the system"}
        {cert      text   ""      "a file with our own certificate"}
        {key       text   ""      "a file with its key"}
        {insecure  flag   0       "take any certificate, and be open to whoever is on the way"}
        {proxy     text   ""      "URL of an HTTP proxy"}
        {domain    text   ""      "domain of JetStream"}
        {timeout   positive 5000  "milliseconds to wait for a connection, and for each answer"}
        {json      flag   0       "write JSON: for a list one object in each line"}
        {quiet     flag   0       "say nothing but results and errors"}
        {progress  flag   0       "show progress even if stderr is no terminal"}
        {debug     flag   0       "show on stderr what the connection does"}
        {version   flag   0       "show the version"}
        {help      flag   0       "show this"}
    }
    # The command that runs, for advice about its words.
    variable running ""
}

proc natstcl::command {name parameters about options body} {
    variable commands
    dict set commands $name [list about $about options $options parameters $parameters]
    proc "run $name" $parameters "variable option\n$body"
}

# Runs what the words of the command line say; the result is the exit code.
proc natstcl::main {words} {
    variable commands
    variable option
    variable running
    array set option {json 0 progress 0 quiet 0}
    # A terminal that cannot show a character shows another one; Tcl 9 would rather fail.
    catch {fconfigure stdout -profile replace}
    try {
        lassign [read_words $words] running arguments
        if {$option(version)} {
            puts "natstcl [nats::version]"
        } elseif {$option(help)} {
            puts [expr {[dict exists $commands $running] ? [help $running] : [overview $running]}]
        } else {
            "run $running" {*}$arguments
        }
        flush stdout
        return 0
    } on error {message details} {
        return [report $message $details]
    }
}

# The name of the command (with --help perhaps that of a family, or none), and its arguments;
# `option` is set.
proc natstcl::read_words {words} {
    variable commands
    variable common
    variable option
    # Errors in the words are in JSON, too, if that is among them.
    set json [expr {"--json" in $words}]
    set option(json) $json
    lassign [split_words $words] name rest
    set rows [concat $common [dict lookup [dict lookup $commands $name] options]]
    foreach row $rows { set option([lindex $row 0]) [lindex $row 2] }
    set option(json) $json
    set arguments {}
    while {[llength $rest]} {
        set rest [lassign $rest word]
        if {$word eq "--"} {
            lappend arguments {*}$rest
            break
        } elseif {[string match -?* $word]} {
            set rest [read_option $name $rows $word $rest]
        } else {
            lappend arguments $word
        }
    }
    if {!$option(help) && !$option(version)} { check_arguments $name $arguments }
    return [list $name $arguments]
}

# Where the name of the command ends, which may stand behind options.
proc natstcl::split_words {words} {
    variable commands
    variable common
    set before {}
    while {[string match -?* [lindex $words 0]]} {
        set words [lassign $words word]
        lappend before $word
        if {$word in {-h --help} || [string match *=* $word]} continue
        set row [lsearch -inline -exact -index 0 $common [string trimleft $word -]]
        if {$row eq ""} {
            throw {NATSTCL USAGE ""} "unknown option $word before the command[similar_option \
                $common [string trimleft $word -]]"
        }
        if {[lindex $row 1] ne "flag"} {
            lappend before [lindex $words 0]
            set words [lrange $words 1 end]
        }
    }
    # "help pub" like "pub --help".
    if {[lindex $words 0] eq "help"} {
        set words [lrange $words 1 end]
        lappend before --help
    }
    if {![llength $words]} { return [list "" [concat $before --help]] }
    foreach length {2 1} {
        set name [lrange $words 0 $length-1]
        if {[llength $name] == $length && [dict exists $commands $name]} {
            return [list $name [concat $before [lrange $words $length end]]]
        }
    }
    set first [lindex $words 0]
    if {[dict keys $commands "$first *"] ne ""} {
        if {[lindex $words 1] in {"" -h --help}} { return [list $first --help] }
        set name "$first [lindex $words 1]"
        throw [list NATSTCL USAGE $first] "unknown command \"$name\"[similar [dict keys $commands] $name]"
    }
    throw {NATSTCL USAGE ""} "unknown command \"$first\"[similar [dict keys $commands] $first]"
}

proc natstcl::read_option {name rows word rest} {
    variable option
    if {$word eq "-h"} { set word --help }
    regexp {^--?([^=]*)(=(.*))?$} $word - key given value
    set row [lsearch -inline -exact -index 0 $rows $key]
    if {$row eq "" || ![string match --* $word]} {
        throw [list NATSTCL USAGE $name] "unknown option $word[similar_option $rows $key]"
    }
    set kind [lindex $row 1]
    if {$kind eq "flag"} {
        if {$given ne ""} { throw [list NATSTCL USAGE $name] "option --$key takes no value" }
        set option($key) 1
        return $rest
    }
    if {$given eq ""} {
        if {![llength $rest]} { throw [list NATSTCL USAGE $name] "option --$key needs a value" }
        set rest [lassign $rest value]
    }
    set pattern [dict get {number {^\d{1,15}$} positive {^[1-9]\d{0,14}$} text "" list ""} $kind]
    if {![regexp $pattern $value]} {
        throw [list NATSTCL USAGE $name] "option --$key needs a [expr {$kind eq "number" ? "" : "positive "}]number, not \"$value\""
    }
    if {$kind eq "list"} { lappend option($key) $value } else { set option($key) $value }
    return $rest
}

# ": do you mean --server?" if an option is similar.
proc natstcl::similar_option {rows key} {
    return [similar [lmap row $rows { string cat -- [lindex $row 0] }] --$key]
}

# The name that begins like a word, or is the word with two letters swapped, missing or too many.
proc natstcl::similar {names word} {
    foreach name $names {
        if {[string trim $word -] ne "" && ([string match $word* $name] ||
                [lsort [split $word ""]] eq [lsort [split $name ""]] ||
                [one_more $word $name] || [one_more $name $word])} {
            return ": do you mean $name?"
        }
    }
    return ""
}

proc natstcl::one_more {long short} {
    if {[string length $long] != [string length $short] + 1} { return 0 }
    for {set i 0} {$i < [string length $long]} {incr i} {
        if {[string replace $long $i $i] eq $short} { return 1 }
    }
    return 0
}

proc natstcl::check_arguments {name arguments} {
    set least 0
    set most 0
    foreach parameter [info args "run $name"] {
        if {$parameter eq "args"} { set most 1000000; break }
        incr most
        if {![info default "run $name" $parameter -]} { incr least }
    }
    set count [llength $arguments]
    if {$count < $least} { throw [list NATSTCL USAGE $name] "too few arguments" }
    if {$count > $most} {
        throw [list NATSTCL USAGE $name] "too many arguments, from \"[lindex $arguments $most]\" on"
    }
}

proc natstcl::usage {name} {
    variable commands
    set usage "natstcl $name"
    foreach parameter [dict get $commands $name parameters] {
        append usage " [expr {[llength $parameter] > 1 ? "?[lindex $parameter 0]?" :
            $parameter eq "args" ? "?more ...?" : $parameter}]"
    }
    return "$usage ?option ...?"
}

proc natstcl::help {name} {
    variable commands
    variable common
    set lines [list "Usage: [usage $name]" "" [dict get $commands $name about] ""]
    set rows [dict get $commands $name options]
    if {[llength $rows]} { lappend lines "Options:" {*}[help_lines $rows] "" }
    lappend lines "Options of all commands:" {*}[help_lines $common] "" \
        "Exit codes: 0 done, 1 failed, 2 wrong words, 3 no connection, 4 no answer in time."
    return [join $lines \n]
}

# The list of all commands, or of a family.
proc natstcl::overview {family} {
    variable commands
    set lines [list "natstcl: NATS from the command line" ""]
    foreach name [dict keys $commands [string trimleft "$family *"]] {
        lappend lines [format "  %-10s  %s" $name [dict get $commands $name about]]
    }
    lappend lines "" "\"natstcl command --help\" tells the options of a command."
    return [join $lines \n]
}

proc natstcl::help_lines {rows} {
    lmap row $rows {
        lassign $row name kind default about
        set value [dict get {flag "" number " n" positive " n" text " text" list " text"} $kind]
        if {$kind in {number positive} && $default ne ""} { append about " ($default)" }
        if {$kind eq "list"} { append about "; may be repeated" }
        format "  --%-17s %s" $name$value $about
    }
}
