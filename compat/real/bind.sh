#!/usr/bin/env bash
# BIND: a query log of a name server with one zone. Usage: bind.sh FOLDER
set -euo pipefail
. "$(dirname "$0")/begin.sh"
need named dig

rm -f "$out"/*.log
port=$(free_port)
cat >"$out/named.conf" <<CONF
options {
    directory "$out";
    pid-file none;
    session-keyfile none;
    listen-on port $port { 127.0.0.1; };
    listen-on-v6 { none; };
    recursion no;
    dnssec-validation no;
    querylog yes;
};
controls { };
logging {
    channel queries { file "$out/query.log"; print-time yes; print-category yes; print-severity yes; severity dynamic; };
    category queries { queries; };
};
zone "example.test" { type primary; file "$out/zone"; };
CONF
cat >"$out/zone" <<'ZONE'
$TTL 60
@    SOA ns hostmaster 1 60 60 60 60
     NS  ns
     MX  10 mail
     TXT "text"
ns   A   127.0.0.1
*    A   127.0.0.2
     AAAA ::1
ZONE
types=(A AAAA MX TXT NS SOA ANY SRV PTR CAA DS HTTPS SVCB TLSA NAPTR TYPE65280 CNAME DNSKEY NSEC3PARAM DLV X25 SPF)
for ((n = 0; n < 2000; n++)); do
    name=host-$n.example.test
    flags=
    case $((n % 9)) in
    1) flags=+norecurse ;;
    2) flags=+dnssec ;;
    3) flags=+tcp ;;
    4) flags='+cdflag +noedns' ;;
    5) name=_sip._tcp.h$n.example.test ;;
    6) name=example.test ;;
    7) flags=+nocookie ;;
    8) name=$((n % 256)).0.0.127.in-addr.arpa ;;
    esac
    echo "$name ${types[n % ${#types[@]}]} $flags"
done >"$out/questions"
echo "version.bind CH TXT" >>"$out/questions"
start named -f -c "$out/named.conf"
await dig @127.0.0.1 -p "$port" +time=1 +tries=1 ready.example.test
dig @127.0.0.1 -p "$port" +noall +time=5 +tries=1 -f "$out/questions" >/dev/null
await has_lines "$out/query.log" 2000
stop TERM
