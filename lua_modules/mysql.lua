-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Patterns for the slow query log of MySQL and MariaDB; a text is the entry of one query.
--
-- slow_query_grammar, mariadb_slow_query_grammar               entries with the line "# User@Host"
-- short_slow_query_grammar, mariadb_short_slow_query_grammar   entries without it, as Amazon RDS gives them
--
-- Each gives a message table: Timestamp (ns, as text), Hostname (not of short entries), Payload (the SQL), Fields.

local l  = require "lpeg"
local ip = require "ip_address"
l.locale(l)

local P, Cc, Cg, Ct = l.P, l.Cc, l.Cg, l.Ct
local digit, space = l.digit, l.space
local tonumber = tonumber

local M = {}
setfenv(1, M)

local newline = P"\n"
local line    = (1 - newline)^0 * newline
local sp      = P" "^1
local integer = digit^1 / tonumber
local decimal = digit^1 * ("." * digit^1)^-1 / tonumber
local seconds = Ct(Cg(decimal, "value") * Cg(Cc"s", "representation"))
local yes_no  = P"Yes" + "No"
local word    = (1 - space)^0

local function field(name, pattern)
    return P(name .. ":") * P" "^0 * Cg(pattern, name)
end

local time = P"# Time: " * line
local host = ip.v4 + ip.v6 + ip.hostname

-- The host is the address in the last brackets or, where they are empty, the name before them.
local user = P"# User@Host: " * (1 - (P"@ " + newline))^0 * "@ "
    * (P"[" * Cg(host, "Hostname") * "]"
        + (1 - (P"[" + newline))^0 * "[" * Cg(host, "Hostname") * "]"
        + Cg(host, "Hostname") * P" "^0 * "[]")
    * line

local thread = P"# " * field("Thread_id", integer) * sp * P"Schema:" * P" " * Cg(word, "Schema") * sp
    * field("QC_hit", yes_no) * newline

local query = P"# " * field("Query_time", seconds) * sp * field("Lock_time", seconds) * sp
    * field("Rows_sent", integer) * sp * field("Rows_examined", integer) * line

local scan = P"# " * field("Full_scan", yes_no) * sp * field("Full_join", yes_no) * sp
    * field("Tmp_table", yes_no) * sp * field("Tmp_table_on_disk", yes_no) * newline
    * "# " * field("Filesort", yes_no) * sp * field("Filesort_on_disk", yes_no) * sp
    * field("Merge_passes", integer) * line
-- Newer versions have lines between, such as "# Rows_affected".
local more = P"#" * -P(" ") * line + P"# " * -(P"Full_scan:" + "Time:" + "User@Host:" + "administrator") * line

local use     = P"use " * line
local setting = (1 - (l.S",;=" + newline))^1 * "=" * (1 - (l.S",;" + newline))^0 * ","
local time_ns = digit^1 / "%0000000000"
local set     = P"SET " * (setting - P"timestamp=")^0 * "timestamp=" * Cg(time_ns, "Timestamp") * ";" * newline
local admin   = P"# administrator command: " * line

-- The query ends with the semicolon at the end of a line.
local last = P";" * (newline + -1)
local sql  = Cg((1 - last)^1 * last, "Payload")

local function entry(before, fields)
    return Ct(before * Cg(Ct(fields), "Fields") * use^0 * set * admin^-1 * sql)
end

slow_query_grammar               = entry(time^0 * user, query)
short_slow_query_grammar         = entry(P(true), query)
mariadb_slow_query_grammar       = entry(time^0 * user, thread * query * more^0 * scan^-1 * more^0)
mariadb_short_slow_query_grammar = entry(P(true), thread * query * more^0 * scan^-1 * more^0)

return M
