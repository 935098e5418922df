-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Draws statistics of StatAccumInput, whose messages have them in their fields (`emit_in_fields = true`).

The field `timestamp`, in seconds since the epoch, tells the row; a message without it is a failure. A statistic that is
not in the message, or is no number, changes nothing. Labels longer than 15 bytes and units longer than 7 are cut.

Config:

- title (string, optional, default "Stats")
    Title of the graph.

- rows (uint, optional, default 300)
    How many rows the graph has.

- sec_per_row (uint, optional, default 1)
    Seconds of a row.

- stats (string)
    The names of the statistics, separated by spaces, such as "stats.counters.hits.count". Each is a column.

- stat_labels (string)
    What the columns are called, separated by spaces, in the same order.

- stat_aggregation (string, optional, default "sum")
    How the columns of different hosts are put together: "sum", "min", "max" or "none".

- stat_unit (string, optional, default "count")
    The unit of the columns.

- anomaly_config (string, optional, default nil)
    What anomalies to look for, as the anomaly module describes. With it the graph has annotations and alerts are sent.

- preservation_version (uint, optional, default 0)
    With preserve_data: a number to change whenever another option changes, so that old data are not loaded.

A graph of ten statistics and more is hard to read: use a filter for each few of them. Several filters may draw the same
statistics.

*Example Heka Configuration*

.. code-block:: ini

    [StatsdInput]
    address = "127.0.0.1:8125"
    stat_accum_name = "stat-accumulator"

    [stat-accumulator]
    type = "StatAccumInput"
    emit_in_fields = true
    ticker_interval = 1

    [stat-graph]
    type = "SandboxFilter"
    filename = "lua_filters/stat_graph.lua"
    ticker_interval = 10
    preserve_data = true
    message_matcher = "Type == 'heka.statmetric'"

    [stat-graph.config]
    title = "Hits and Misses"
    rows = 1440
    stat_aggregation = "none"
    stat_unit = "count"
    sec_per_row = 10
    stats = "stats.counters.hits.count stats.counters.misses.count"
    stat_labels = "hits misses"
    anomaly_config = 'roc("Hits and Misses", 1, 15, 0, 1.5, true, false) roc("Hits and Misses", 2, 15, 0, 1.5, true, false)'
    preservation_version = 0

*Example Message*

.. code-block:: text

    Type: heka.statmetric
    Fields:
        timestamp: 1443000000
        stats.counters.hits.count: 5
        stats.counters.misses.count: 1
--]]

_PRESERVATION_VERSION = read_config("preservation_version") or 0

require "circular_buffer"
require "string"
local graph = require "graph"

-- The settings that have no default.
local stats_text  = read_config("stats") or error("stats configuration must be specified")
local labels_text = read_config("stat_labels") or error("stat_labels configuration must be specified")

local title       = read_config("title") or "Stats"
local rows        = read_config("rows") or 300
local sec_per_row = read_config("sec_per_row") or 1
local aggregation = read_config("stat_aggregation") or "sum"
local unit        = read_config("stat_unit") or "count"

-- The words of a list with any space between them.
local function words(text)
    local list = {}
    for word in string.gmatch(text, "%S+") do
        list[#list + 1] = word
    end
    return list
end

-- A statistic and its label have the same place in both lists, which is their column.
local stats  = words(stats_text)
local labels = words(labels_text)

if #stats ~= #labels then
    error("stats and stat_labels configuration must have the same number of items")
end

data = circular_buffer.new(rows, #stats, sec_per_row)
for column, label in ipairs(labels) do
    data:set_header(column, label, unit, aggregation)
end

local anomaly_config = graph.config()
graph.prune(title, data)

function process_message()
    local seconds = read_message("Fields[timestamp]")
    if type(seconds) ~= "number" then return -1 end

    for column, name in ipairs(stats) do
        local value = read_message("Fields[" .. name .. "]")
        if type(value) == "number" then data:add(seconds * 1e9, column, value) end
    end
    return 0
end

function timer_event(ns)
    graph.emit(ns, title, data, anomaly_config)
end
