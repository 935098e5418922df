#!/bin/sh
# Makes aiosmtpd available in a Python environment below target/servers, and openssl. Tests start and stop the server
# themselves, on loopback ports. Running it again changes nothing. Exit code 0: both are there.
set -e
# Several tests may ask at once.
exec 9> "${TMPDIR:-/tmp}/hekad-servers.lock" && flock -w 300 9 || true

version=1.4.6
root=$(cd "$(dirname "$0")/../.." && pwd)
place="$root/target/servers/smtp"
python="$place/bin/python"

there() {
    [ -x "$python" ] && "$python" -c "import aiosmtpd; assert aiosmtpd.__version__ == '$version'" 2> /dev/null
}
command -v openssl > /dev/null || { echo "openssl is missing" >&2; exit 1; }
there && exit 0

command -v python3 > /dev/null || { echo "python3 is missing" >&2; exit 1; }
mkdir -p "$root/target/servers"
rm -rf "$place"
if ! python3 -m venv "$place" > /dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    # Debian keeps it in a package of its own.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv > /dev/null
    rm -rf "$place"
    python3 -m venv "$place"
fi
"$python" -m pip install --quiet --disable-pip-version-check "aiosmtpd==$version"
there
