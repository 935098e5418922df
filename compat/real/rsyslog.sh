#!/usr/bin/env bash
# rsyslog: files of its two file formats, and its protocol formats over UDP and TCP to the ports given.
# Usage: rsyslog.sh FOLDER UDP_PORT TCP_PORT
set -euo pipefail
. "$(dirname "$0")/begin.sh"
need rsyslogd logger
udp=$2 tcp=$3

rm -f "$out"/*.log "$out"/*.pid
cat >"$out/rsyslog.conf" <<CONF
global(workDirectory="$out" processInternalMessages="on")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="$out/log" RateLimit.Interval="0" UseSysTimeStamp="off")
if \$syslogfacility-text != "syslog" then {
    action(type="omfile" file="$out/traditional.log" template="RSYSLOG_TraditionalFileFormat")
    action(type="omfile" file="$out/file.log" template="RSYSLOG_FileFormat")
    action(type="omfwd" target="127.0.0.1" port="$udp" protocol="udp" template="RSYSLOG_ForwardFormat"
           udp.senddelay="500")
    action(type="omfwd" target="127.0.0.1" port="$tcp" protocol="tcp" template="RSYSLOG_SyslogProtocol23Format")
}
CONF
for ((n = 0; n < 500; n++)); do
    echo "message $n of a program"
    echo "  begins with spaces, and has [brackets]: colons"
    echo "tab	and %percent% \"quotes\" äöü"
    echo "x"
done >"$out/messages"
start rsyslogd -n -C -f "$out/rsyslog.conf" -i "$out/rsyslog.pid"
await test -S "$out/log"
{
    logger -u "$out/log" -t "widget" --id=4322 -p local0.info -f "$out/messages"
    logger -u "$out/log" -t "cron" -p cron.err "no process id"
    logger -u "$out/log" -t "kernel-like/part" -p daemon.emerg "a slash in the tag"
    logger -u "$out/log" -t "debug.er" --id=1 -p local7.debug "the least severe"
}
await has_lines "$out/traditional.log" 2003
await has_lines "$out/file.log" 2003
stop TERM
