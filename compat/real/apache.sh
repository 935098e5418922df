#!/usr/bin/env bash
# Apache: an access log of the combined format, as Debian configures it. Usage: apache.sh FOLDER
set -euo pipefail
. "$(dirname "$0")/begin.sh"
. "$(dirname "$0")/web.sh"
need apache2 curl

rm -f "$out"/*.log
mkdir -p "$out/www"
echo '<p>hello</p>' | tee "$out/www/index.html" >"$out/www/page.html"
chmod -R a+rX "$out/www"
port=$(free_port)
cat >"$out/apache.conf" <<CONF
ServerRoot $out
ServerName localhost
Listen 127.0.0.1:$port
PidFile $out/apache.pid
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
DefaultRuntimeDir $out
Mutex file:$out
ErrorLog $out/error.log
DocumentRoot $out/www
LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" combined
CustomLog $out/access.log combined
CONF
start apache2 -f "$out/apache.conf" -DFOREGROUND
await listens "$port"
requests "$port"
stop TERM
