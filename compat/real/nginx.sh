#!/usr/bin/env bash
# nginx: an access log of the combined format and an error log. Usage: nginx.sh FOLDER
set -euo pipefail
. "$(dirname "$0")/begin.sh"
. "$(dirname "$0")/web.sh"
need nginx curl

rm -f "$out"/*.log
mkdir -p "$out/www"
echo '<p>hello</p>' | tee "$out/www/index.html" >"$out/www/page.html"
chmod -R a+rX "$out/www"
port=$(free_port)
cat >"$out/nginx.conf" <<CONF
daemon off;
worker_processes 2;
pid $out/nginx.pid;
error_log $out/error.log info;
events { worker_connections 128; }
http {
    access_log $out/access.log combined;
    client_body_temp_path $out/tmp;
    proxy_temp_path $out/tmp;
    fastcgi_temp_path $out/tmp;
    uwsgi_temp_path $out/tmp;
    scgi_temp_path $out/tmp;
    server {
        listen 127.0.0.1:$port;
        root $out/www;
        location /gone/ { proxy_pass http://127.0.0.1:1; }
    }
}
CONF
start nginx -e "$out/error.log" -c "$out/nginx.conf"
await listens "$port"
requests "$port"
# Each of these is a line in the error log.
curl -s "http://127.0.0.1:$port/lost/[1-1900]" "http://127.0.0.1:$port/gone/[1-100]" >/dev/null
stop QUIT
