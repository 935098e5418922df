#!/usr/bin/env bash
# Postfix: its log of mails that come by SMTP and are discarded. Usage: postfix.sh FOLDER
# Postfix starts as root only, for its processes change their users: without root this ends with 77.
set -euo pipefail
. "$(dirname "$0")/begin.sh"
need postfix smtp-source
[[ $(id -u) == 0 ]] || { echo "postfix needs root" >&2; exit 77; }

rm -rf "$out"/*.log "$out/etc" "$out/spool" "$out/data"
mkdir -p "$out/etc" "$out/spool" "$out/data"
chown postfix "$out/data"
port=$(free_port)
cat >"$out/etc/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $out/spool
data_directory = $out/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
default_transport = discard
smtpd_recipient_restrictions = check_recipient_access inline:{bad@example.test=reject}, permit_mynetworks, reject
maillog_file = $out/mail.log
maillog_file_prefixes = $out
CONF
cat >"$out/etc/master.cf" <<CONF
127.0.0.1:$port inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
CONF
start postfix -c "$out/etc" start-fg
await listens "$port"
smtp-source -m 350 -s 4 -l 500 -f sender@example.test -t user@example.test "127.0.0.1:$port"
smtp-source -m 20 -f sender@example.test -t bad@example.test "127.0.0.1:$port" >/dev/null 2>&1 || true
# smtpd, cleanup, qmgr and discard say something of each mail.
await has_lines "$out/mail.log" 2000
postfix -c "$out/etc" stop >/dev/null 2>&1 || true
stop TERM
