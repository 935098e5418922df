#!/bin/sh
# Makes nginx, curl and openssl available on a Debian system. Tests start and stop nginx themselves, on loopback ports.
# Running it again changes nothing. Exit code 0: all are there.
set -e

missing=
for program in nginx curl openssl; do
    command -v "$program" > /dev/null || missing="$missing $program"
done
[ -z "$missing" ] && exit 0

command -v apt-get > /dev/null || { echo "no apt-get to install$missing with" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "installing$missing takes root" >&2; exit 1; }

# The package would start a server on port 80.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
packages=$(echo "$missing" | sed 's/nginx/nginx-light/')
apt-get update -qq > /dev/null
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $packages > /dev/null
command -v nginx > /dev/null && command -v curl > /dev/null && command -v openssl > /dev/null
