#!/usr/bin/env bash
# Installs the programs whose logs are tested, without starting any of them as a service.
set -euo pipefail

declare -A package=(
    [nginx]=nginx-light [apache2]=apache2-bin [rsyslogd]=rsyslog [named]=bind9 [dig]=bind9-dnsutils
    [mariadbd]=mariadb-server-core [mariadb]=mariadb-client-core [curl]=curl
    [postfix]=postfix
)

missing=()
for program in "${!package[@]}"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
((${#missing[@]})) || exit 0

give_up() {
    echo "not installed: ${missing[*]}" >&2
    exit 77
}
[[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || give_up

# Debian's packages start their services unless this says no.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq || give_up
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null || give_up
