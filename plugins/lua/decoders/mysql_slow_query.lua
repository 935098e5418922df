-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses the slow query log of MySQL. A message is one query.

The message's Payload is the SQL, its Hostname the client's.

Fields: Query_time, Lock_time (s), Rows_sent, Rows_examined.

Config:

- truncate_sql (int, optional, default nil)
    Cuts the SQL to this many bytes and puts "..." behind it.

*Example Heka Configuration*

.. code-block:: ini

    [Sync-1_5-SlowQuery]
    type = "LogstreamerInput"
    log_directory = "/var/log/mysql"
    file_match = 'mysql-slow\.log'
    splitter = "mysql.slow-query-splitter"
    decoder = "SlowQueryDecoder"

    [mysql.slow-query-splitter]
    type = "RegexSplitter"
    delimiter = '\n(# User@Host:)'
    delimiter_eol = false

    [SlowQueryDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/mysql_slow_query.lua"

    [SlowQueryDecoder.config]
    truncate_sql = 64
--]]

local mysql = require "mysql"
local slow_query_log = require "slow_query_log"

process_message = slow_query_log.decoder("mysql.slow-query", mysql.slow_query_grammar)
