#!/bin/sh
# Makes ngircd and openssl available on a Debian system. Tests start and stop ngircd themselves, on loopback ports.
# Running it again changes nothing. Exit code 0: both are there.
set -e
# Several tests may ask at once.
exec 9> "${TMPDIR:-/tmp}/hekad-servers.lock" && flock -w 300 9 || true

PATH="$PATH:/usr/sbin:/sbin"
missing=
for program in ngircd openssl; do
    command -v "$program" > /dev/null || missing="$missing $program"
done
[ -z "$missing" ] && exit 0

command -v apt-get > /dev/null || { echo "no apt-get to install$missing with" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "installing$missing takes root" >&2; exit 1; }

# The package would start a server on port 6667.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -o DPkg::Lock::Timeout=600 -qq"
$apt update > /dev/null
# shellcheck disable=SC2086
$apt install -y --no-install-recommends $missing > /dev/null
command -v ngircd > /dev/null && command -v openssl > /dev/null
