# The command-line tool as a process of this very shell. Needs wait.tcl.
#
#   tool ?arg …?                   a dict: exit, stdout, stderr, without the last line ends
#   tool_with_input bytes ?arg …?  the same with these bytes on stdin
#   tool_start ?arg …?             starts it; the handle is for
#     tool_errors $handle          what it has written to stderr by now
#     tool_end $handle             waits for its end, with the same result
#
# The tests serve events meanwhile. Whoever starts a tool ends it by what it waits for.

set tool_file [file join [file dirname [file normalize [info script]]] .. .. tools natstcl natstcl]
set env(LC_ALL) C.UTF-8

proc tool {args} { tool_with_input "" {*}$args }

proc tool_with_input {input args} {
    set handle [tool_start {*}$args]
    tool_write $handle $input
    return [tool_end $handle]
}

proc tool_start {args} {
    close [file tempfile errors]
    set pipe [open |[list [info nameofexecutable] $::tool_file {*}$args 2> $errors] r+]
    fconfigure $pipe -blocking 0 -translation binary
    set ::tool_state($pipe) [dict create errors $errors output ""]
    fileevent $pipe readable [list OnToolOutput $pipe]
    return $pipe
}

proc tool_write {pipe bytes} {
    puts -nonewline $pipe $bytes
    # A tool that has ended already reads nothing.
    catch {flush $pipe}
}

proc tool_output {pipe} { encoding convertfrom utf-8 [dict get $::tool_state($pipe) output] }

# With its carriage returns.
proc tool_errors {pipe} {
    set channel [open [dict get $::tool_state($pipe) errors] rb]
    try { encoding convertfrom utf-8 [read $channel] } finally { close $channel }
}

proc tool_end {pipe} {
    catch {close $pipe write}
    waitfor {[dict exists $::tool_state($pipe) ended]}
    fconfigure $pipe -blocking 1
    lassign [CloseStatus $pipe] exit signal
    set result [dict create exit $exit$signal stdout [string trimright [tool_output $pipe] \n] \
        stderr [string trimright [tool_errors $pipe] \n]]
    file delete [dict get $::tool_state($pipe) errors]
    unset ::tool_state($pipe)
    return $result
}

proc OnToolOutput {pipe} {
    dict append ::tool_state($pipe) output [read $pipe]
    if {[eof $pipe]} {
        fileevent $pipe readable {}
        dict set ::tool_state($pipe) ended 1
    }
}
