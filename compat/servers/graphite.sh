#!/bin/sh
# Makes Graphite's carbon-cache and its library whisper available on a Debian system. Tests start and stop carbon
# themselves, on loopback ports. Running it again changes nothing. Exit code 0: all are there.
set -e
# Several tests may ask at once.
exec 9> "${TMPDIR:-/tmp}/hekad-servers.lock" && flock -w 300 9 || true

has_whisper() { /usr/bin/python3 -c 'import whisper' 2> /dev/null; }

missing=
[ -x /usr/bin/carbon-cache ] || missing="$missing graphite-carbon"
has_whisper || missing="$missing python3-whisper"
[ -z "$missing" ] && exit 0

command -v apt-get > /dev/null || { echo "no apt-get to install$missing with" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "installing$missing takes root" >&2; exit 1; }

# The package would start a server.
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
[ -x /usr/bin/carbon-cache ] && has_whisper
