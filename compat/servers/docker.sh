#!/bin/sh
# Makes podman available on a Debian system; it serves Docker's API. Tests start the service themselves, on a socket in their
# own folder, and make their image of a static busybox, so that no registry is asked.
# Running it again changes nothing. Exit code 0: all are there and containers can run here.
set -e

missing=
for program in podman runc busybox; do
    command -v "$program" > /dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
    command -v apt-get > /dev/null || { echo "no apt-get to install$missing with" >&2; exit 1; }
    [ "$(id -u)" = 0 ] || { echo "installing$missing takes root" >&2; exit 1; }
    # Nothing of it is to be started by the installation.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    packages=$(echo "$missing" | sed 's/busybox/busybox-static/')
    # Another installation may be under way.
    apt-get -o DPkg::Lock::Timeout=300 update -qq > /dev/null
    # shellcheck disable=SC2086
    apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $packages > /dev/null
fi
[ "$(id -u)" = 0 ] || { echo "containers are run as root" >&2; exit 1; }
command -v podman > /dev/null && command -v runc > /dev/null && command -v busybox > /dev/null
