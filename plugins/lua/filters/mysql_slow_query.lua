-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Draws the slow queries that the decoders mysql_slow_query and mariadb_slow_query find: the means of a row, and how many there
were.

Config:

- rows (uint, optional, default 1440)
    How many rows the graph has.

- sec_per_row (uint, optional, default 60)
    Seconds of a row.

- anomaly_config (string, optional, default nil)
    What anomalies to look for, as the anomaly module describes. With it the graph has annotations and alerts are sent.

- preservation_version (uint, optional, default 0)
    With preserve_data: a number to change whenever another option changes, so that old data are not loaded.

*Example Heka Configuration*

.. code-block:: ini

    [Sync-1_5-SlowQueries]
    type = "SandboxFilter"
    filename = "lua_filters/mysql_slow_query.lua"
    ticker_interval = 60
    preserve_data = true
    message_matcher = "Logger == 'Sync-1_5-SlowQuery'"

    [Sync-1_5-SlowQueries.config]
    anomaly_config = 'mww_nonparametric("Statistics", 5, 15, 10, 0.8)'
--]]

_PRESERVATION_VERSION = read_config("preservation_version") or 0

require "circular_buffer"
local graph = require "graph"
local math  = require "math"

local title = "Statistics"

data = circular_buffer.new(read_config("rows") or 1440, 5, read_config("sec_per_row") or 60)
local QUERY_TIME    = data:set_header(1, "Query_Time", "s", "none")
local LOCK_TIME     = data:set_header(2, "Lock_Time", "s", "none")
local ROWS_EXAMINED = data:set_header(3, "Rows_Examined", "count", "none")
local ROWS_SENT     = data:set_header(4, "Rows_Sent", "count", "none")
local COUNT         = data:set_header(5, "Count")

local anomaly_config = graph.config()
graph.prune(title, data)

-- The mean of a row with one more value: the count has the new one already.
local function mean(ns, column, count, value)
    if count == 1 then return value end
    local old = data:get(ns, column)
    return old + (value - old) / count
end

function process_message()
    local ns = read_message("Timestamp")
    local query_time    = read_message("Fields[Query_time]")
    local lock_time     = read_message("Fields[Lock_time]")
    local rows_examined = read_message("Fields[Rows_examined]")
    local rows_sent     = read_message("Fields[Rows_sent]")
    if not (query_time and lock_time and rows_examined and rows_sent) then return -1 end

    local count = data:add(ns, COUNT, 1)
    if not count then return 0 end -- older than the graph

    data:set(ns, QUERY_TIME, mean(ns, QUERY_TIME, count, query_time))
    data:set(ns, LOCK_TIME, mean(ns, LOCK_TIME, count, lock_time))
    data:set(ns, ROWS_EXAMINED, math.floor(mean(ns, ROWS_EXAMINED, count, rows_examined)))
    data:set(ns, ROWS_SENT, math.floor(mean(ns, ROWS_SENT, count, rows_sent)))
    return 0
end

function timer_event(ns)
    graph.emit(ns, title, data, anomaly_config)
end
