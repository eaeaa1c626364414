# NKeys and JWTs, made with openssl: independent of what the package does itself.
#
#   set k [keys::create user]          a pair; the other kinds are account and operator
#   keys::public $k; keys::seed $k     the two texts
#   keys::sign $k $bytes               64 bytes
#   keys::base64url $bytes             without padding
#   keys::jwt $signer $claims          claims as JSON text without "iss", "iat" and "jti"
#   keys::creds $jwt $k                what a .creds file holds
#   keys::file $name $text             writes a file that only its owner can read, and returns its path
#   keys::cleanup                      removes all files

namespace eval keys {
    # The first characters of a kind's keys stand for so many times eight.
    variable kinds {account 0 operator 14 user 20}
    variable folder ""
    variable count 0
}

proc keys::create {kind} {
    variable kinds
    variable count
    set prefix [expr {[dict get $kinds $kind] << 3}]
    set path [file key[incr count].der ""]
    exec openssl genpkey -algorithm ed25519 -outform DER -out $path
    # The key is the end of what openssl writes.
    set private [string range [ReadBytes $path] end-31 end]
    exec openssl pkey -in $path -inform DER -pubout -outform DER -out $path.pub
    set public [string range [ReadBytes $path.pub] end-31 end]
    set head [list [expr {144 | $prefix >> 5}] [expr {($prefix & 31) << 3}]]
    return [dict create path $path \
        public [Encode [binary format ca* $prefix $public]] \
        seed [Encode [binary format c2a* $head $private]]]
}

proc keys::public {key} { dict get $key public }
proc keys::seed {key} { dict get $key seed }

proc keys::sign {key bytes} {
    set path [dict get $key path]
    WriteBytes $path.in $bytes
    exec openssl pkeyutl -sign -rawin -inkey $path -keyform DER -in $path.in -out $path.sig
    return [ReadBytes $path.sig]
}

proc keys::jwt {signer claims} {
    variable count
    set head [format {"iss":"%s","iat":%d,"jti":"test%d",} \
        [public $signer] [clock seconds] [incr count]]
    set text [base64url {{"typ":"JWT","alg":"ed25519-nkey"}}].[base64url \
        [encoding convertto utf-8 [string replace $claims 0 0 "\{$head"]]]
    return $text.[base64url [sign $signer $text]]
}

proc keys::creds {jwt key} {
    return "-----BEGIN NATS USER JWT-----
$jwt
------END NATS USER JWT------

************************* IMPORTANT *************************
Whoever has the seed below is this user.

-----BEGIN USER NKEY SEED-----
[seed $key]
------END USER NKEY SEED------

*************************************************************
"
}

proc keys::base64url {bytes} {
    return [string trimright [string map {+ - / _} [binary encode base64 $bytes]] =]
}

proc keys::file {name text} {
    variable folder
    if {$folder eq ""} {
        close [::file tempfile folder]
        ::file delete $folder
        ::file mkdir $folder
    }
    set path [::file join $folder $name]
    WriteBytes $path $text
    ::file attributes $path -permissions 0600
    return $path
}

proc keys::cleanup {} {
    variable folder
    ::file delete -force $folder
    set folder ""
}

# Base32 without padding of the bytes and their checksum.
proc keys::Encode {bytes} {
    binary scan [binary format a*s $bytes [Crc16 $bytes]] B* bits
    append bits [string repeat 0 [expr {-[string length $bits] % 5}]]
    set text ""
    foreach {a b c d e} [split $bits ""] {
        append text [string index ABCDEFGHIJKLMNOPQRSTUVWXYZ234567 [scan $a$b$c$d$e %b]]
    }
    return $text
}

proc keys::Crc16 {bytes} {
    set crc 0
    binary scan $bytes cu* numbers
    foreach number $numbers {
        set crc [expr {$crc ^ $number << 8}]
        for {set i 0} {$i < 8} {incr i} {
            set crc [expr {($crc << 1 ^ ($crc & 0x8000 ? 0x1021 : 0)) & 0xffff}]
        }
    }
    return $crc
}

proc keys::ReadBytes {path} {
    set channel [open $path rb]
    try { read $channel } finally { close $channel }
}

proc keys::WriteBytes {path bytes} {
    set channel [open $path wb]
    puts -nonewline $channel $bytes
    close $channel
}
