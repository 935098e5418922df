#!/bin/sh
# Makes nagios4 with its cmd.cgi, apache2, nsca, send_nsca and openssl available on a Debian system. Tests start and stop them
# themselves, on loopback ports. Running it again changes nothing. Exit code 0: all are there.
set -e

PATH="$PATH:/usr/sbin:/sbin"
cgi=/usr/lib/cgi-bin/nagios4/cmd.cgi

all_there() {
    for program in nagios4 apache2 nsca send_nsca openssl; do
        command -v "$program" > /dev/null || return 1
    done
    [ -x "$cgi" ]
}
all_there && exit 0

command -v apt-get > /dev/null || { echo "no apt-get to install nagios4 and nsca with" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "installing nagios4 and nsca takes root" >&2; exit 1; }

# The packages would start servers on ports 80 and 5667.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -o DPkg::Lock::Timeout=600 -qq"
$apt update > /dev/null
$apt install -y --no-install-recommends nagios4-core nagios4-cgi apache2 nsca nsca-client openssl > /dev/null
all_there
