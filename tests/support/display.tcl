# A display without a screen, for programs with windows.
#
#   display::possible       whether there is Xvfb, and a wish of this Tcl's version
#   display::wish           that wish
#   set d [display::start ?width height?]    sets env(DISPLAY)
#   display::picture $d     what is to be seen now, as the bytes of a PNG file
#   display::stop $d

namespace eval display {}

# The one beside this shell, if it is not installed with the system.
proc display::wish {} {
    set name wish[info tclversion]
    set beside [file join [file dirname [info nameofexecutable]] $name]
    return [expr {[file executable $beside] ? $beside : [lindex [auto_execok $name] 0]}]
}
proc display::possible {} { expr {[wish] ne "" && [auto_execok Xvfb] ne ""} }

proc display::start {{width 1024} {height 768}} {
    close [file tempfile folder]
    file delete $folder
    file mkdir $folder
    # It picks a free display and tells when it is ready.
    set pipe [open |[list Xvfb -displayfd 1 -screen 0 ${width}x${height}x24 -fbdir $folder \
        -nolisten tcp 2> /dev/null] r]
    set ::env(DISPLAY) :[gets $pipe]
    return [dict create pipe $pipe folder $folder]
}

proc display::stop {display} {
    set pipe [dict get $display pipe]
    exec kill [pid $pipe]
    catch {close $pipe}
    file delete -force [dict get $display folder]
    unset ::env(DISPLAY)
}

# The file that Xvfb keeps is an XWD file: a header of numbers, a table of colours, rows of pixels.
proc display::picture {display} {
    set channel [open [file join [dict get $display folder] Xvfb_screen0] rb]
    set file [read $channel]
    close $channel
    binary scan $file Iu20 header
    lassign $header size - - - width height - order - - - bits stride - - - - - - colours
    if {$bits != 32 || $order != 0} { error "not the layout that Xvfb has had so far" }
    set pixels [string range $file [expr {$size + 12 * $colours}] end]
    set rows ""
    for {set y 0} {$y < $height} {incr y} {
        set row [string range $pixels [expr {$y * $stride}] [expr {$y * $stride + 4 * $width - 1}]]
        binary scan $row cu* bytes
        set colours {}
        foreach {blue green red -} $bytes { lappend colours $red $green $blue }
        # Each row begins with the filter that it went through: none.
        append rows [binary format cc* 0 $colours]
    }
    return "\x89PNG\r\n\x1a\n[Chunk IHDR [binary format IIccccc $width $height 8 2 0 0 0]][
        Chunk IDAT [zlib compress $rows 9]][Chunk IEND ""]"
}

proc display::Chunk {type data} {
    return [binary format Ia*I [string length $data] $type$data [zlib crc32 $type$data]]
}
