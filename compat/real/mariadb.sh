#!/usr/bin/env bash
# MariaDB: a slow query log of a server for which every query is slow. Usage: mariadb.sh FOLDER
set -euo pipefail
. "$(dirname "$0")/begin.sh"
need mariadbd mariadb

rm -rf "$out/data" "$out"/*.log
mkdir "$out/data"
user=()
[[ $(id -u) == 0 ]] && user=(--user=root)
socket=$out/socket
start mariadbd --no-defaults "${user[@]}" --datadir="$out/data" --socket="$socket" --pid-file="$out/pid" \
    --skip-networking --skip-grant-tables --innodb=OFF --default-storage-engine=Aria --aria-log-dir-path="$out/data" \
    --slow-query-log=1 --slow-query-log-file="$out/slow.log" --long-query-time=0 --log-slow-verbosity=query_plan
await test -S "$socket"
for ((n = 0; n < 500; n++)); do
    echo "INSERT INTO t VALUES ($n, 'text $n');"
    echo "SELECT a, COUNT(*) FROM t GROUP BY a ORDER BY 2 DESC LIMIT 3;"
    printf 'SELECT *\nFROM t\nWHERE b = "x; # User@Host: nobody";\n'
    echo "SELECT t.a FROM t JOIN t AS u ON t.b = u.b WHERE t.a < 3;"
done >"$out/queries"
await mariadb --no-defaults --socket="$socket" -e 'CREATE DATABASE d; CREATE TABLE d.t (a INT, b VARCHAR(30))'
mariadb --no-defaults --socket="$socket" d <"$out/queries" >/dev/null
stop TERM
