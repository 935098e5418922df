#!/bin/sh
# Makes rabbitmq-server, python3-pika (a client of its own) and openssl available on a Debian system. Tests start and stop
# the server themselves, on loopback ports. Running it again changes nothing. Exit code 0: all are there.
set -e

has_pika() { /usr/bin/python3 -c 'import pika' 2> /dev/null; }

missing=
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing="$missing rabbitmq-server"
has_pika || missing="$missing python3-pika"
command -v openssl > /dev/null || missing="$missing openssl"
[ -z "$missing" ] && exit 0

command -v apt-get > /dev/null || { echo "no apt-get to install$missing with" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "installing$missing takes root" >&2; exit 1; }

# The package would start a server and Erlang's port mapper.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
wait='-o DPkg::Lock::Timeout=600'
apt-get $wait update -qq > /dev/null
# shellcheck disable=SC2086
apt-get $wait install -y -qq --no-install-recommends $missing > /dev/null
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] && has_pika && command -v openssl > /dev/null
