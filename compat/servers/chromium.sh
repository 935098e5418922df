#!/bin/sh
# Makes a headless Chromium and its WebDriver available on a Debian system; nothing is started. Running it again changes
# nothing. Exit code 0: both are there.
set -e

missing=
command -v chromium > /dev/null || missing="$missing chromium"
command -v chromedriver > /dev/null || missing="$missing chromium-driver"
[ -z "$missing" ] && exit 0

command -v apt-get > /dev/null || { echo "no apt-get to install$missing with" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "installing$missing takes root" >&2; exit 1; }

# Packages must not start services.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq > /dev/null
# Without any font all text is boxes.
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing fonts-dejavu-core > /dev/null
command -v chromium > /dev/null && command -v chromedriver > /dev/null
