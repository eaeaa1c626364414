# Files that options name. They are read through Tcl's own file layer, so a name may lead into a
# mounted archive, and "~" means what this version of Tcl takes it to mean.

namespace eval ::nats::files {
    # Certificates and keys are far smaller.
    variable limit 4194304
}

# The contents of a file and whether others than its owner may read it: {bytes boolean}. An error's
# message is the bare reason.
proc ::nats::files::contents {name} {
    variable limit
    # Behind a folder no name means a pipeline.
    set path [file join . $name]
    if {[file exists $path] && ![file isfile $path]} { error "not a regular file" }
    try {
        set channel [open $path rb]
        try { set bytes [read $channel [expr {$limit + 1}]] } finally { close $channel }
    } trap POSIX {- details} {
        error [lindex [dict get $details -errorcode] end]
    }
    if {[string length $bytes] > $limit} { error "more than $limit bytes" }
    return [list $bytes [IsExposed $path]]
}

# The same for all files of a folder, one pair after another.
proc ::nats::files::folder {name} {
    variable limit
    set path [file join . $name]
    if {![file isdirectory $path]} { error "not a folder" }
    set files {}
    set size 0
    foreach file [lsort [glob -nocomplain -directory $path -types f *]] {
        lassign [contents $file] bytes exposed
        if {[incr size [string length $bytes]] > $limit} { error "more than $limit bytes" }
        lappend files $bytes $exposed
    }
    return $files
}

# Archives have permissions of their own making.
proc ::nats::files::IsExposed {path} {
    if {$::tcl_platform(platform) ne "unix" || [lindex [file system $path] 0] ne "native"} { return 0 }
    file stat $path status
    return [expr {($status(mode) & 0o044) != 0}]
}

# What a key is encrypted with: the value, or what it returns as a script if its first word is a
# command.
proc ::nats::files::password {value} {
    if {[catch {lindex $value 0} command] || $command eq ""} { return $value }
    if {[uplevel #0 [list namespace which -command $command]] eq ""} { return $value }
    return [uplevel #0 $value]
}
