# Certificates for tests, made by openssl in a folder of their own. Keys are on the curve P-256
# unless a test makes others, which takes no time.
#
#   set pki [pki::start]                    an authority: the files ca.pem and ca.key
#   pki::path $pki ca.pem                   where a file is
#   pki::issue $pki name ?option value …?   a certificate name.pem with the key name.key
#   pki::authority $pki name                another authority: name.pem, name.key
#   pki::server $pki name ?lines?           the tls block for a server's configuration
#   pki::openssl $pki arg …                 whatever else; file names are relative to the folder
#   pki::remove $pki
#
# Options of issue: -san list (default DNS:localhost,IP:127.0.0.1; empty for none), -ca name,
# -usage serverAuth or clientAuth, -from and -to (YYYYMMDDHHMMSSZ).

namespace eval pki {
    variable count 0
}

proc pki::start {} {
    variable count
    set temporary [expr {[info exists ::env(TMPDIR)] ? $::env(TMPDIR) : "/tmp"}]
    set folder [file join $temporary nats-test-[pid]-pki[incr count]]
    file delete -force $folder
    file mkdir $folder
    authority $folder ca
    return $folder
}

proc pki::path {folder name} { file join $folder $name }
proc pki::remove {folder} { file delete -force $folder }

proc pki::authority {folder name} {
    openssl $folder req -x509 {*}[NewKey $name] -out $name.pem -days 30 -subj /CN=$name
}

proc pki::issue {folder name args} {
    set options [dict merge {
        -san DNS:localhost,IP:127.0.0.1 -ca ca -usage serverAuth
        -from 20200101000000Z -to 20991231235959Z
    } $args]
    dict with options {}
    openssl $folder req -new {*}[NewKey $name] -out $name.csr -subj /CN=$name
    set extensions "extendedKeyUsage = ${-usage}\n"
    if {${-san} ne ""} { append extensions "subjectAltName = ${-san}\n" }
    # Only this command of openssl gives a certificate any dates one likes.
    Write [path $folder $name.conf] "
        \[ca]\ndefault_ca = it\n\[it]\ndatabase = $name.index\nserial = $name.serial
        new_certs_dir = .\ndefault_md = sha256\npolicy = any\nx509_extensions = ext\nunique_subject = no
        \[any]\ncommonName = optional\n\[ext]\n$extensions"
    Write [path $folder $name.index] ""
    Write [path $folder $name.serial] [format %08X [expr {int(rand() * 0x7fffffff)}]]\n
    openssl $folder ca -batch -notext -config $name.conf -cert ${-ca}.pem -keyfile ${-ca}.key \
        -in $name.csr -out $name.pem -startdate ${-from} -enddate ${-to}
}

proc pki::server {folder name {lines ""}} {
    return "tls {
        cert_file: \"[path $folder $name.pem]\", key_file: \"[path $folder $name.key]\"
        # A handshake may take its time where all is slow.
        timeout: 20
        $lines
    }"
}

proc pki::openssl {folder args} {
    set here [pwd]
    cd $folder
    try {
        exec openssl {*}$args 2>@1
    } finally {
        cd $here
    }
}

proc pki::NewKey {name} {
    return [list -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $name.key]
}

proc pki::Write {file text} {
    set channel [open $file w]
    puts -nonewline $channel $text
    close $channel
}
