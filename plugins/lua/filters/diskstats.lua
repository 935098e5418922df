-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Draws what a disk does, as the decoder linux_diskstats gives it: one graph of the time that went into it, one of how much was
read and written since the message before.

The seconds of a row are those between two readings of the file, which the message has in the field TickerInterval.

Config:

- rows (uint, optional, default 1440)
    How many rows the graphs have.

- anomaly_config (string, optional, default nil)
    What anomalies to look for, as the anomaly module describes. The graphs are called "Time doing IO" and "Disk Stats".

*Example Heka Configuration*

.. code-block:: ini

    [DiskStatsFilter]
    type = "SandboxFilter"
    filename = "lua_filters/diskstats.lua"
    ticker_interval = 60
    preserve_data = true
    message_matcher = "Type == 'stats.diskstats'"
--]]

local graph = require "graph"

local anomaly_config = graph.config()

local time_title, stats_title = "Time doing IO", "Disk Stats"
local time_names  = {"TimeWriting", "TimeReading", "TimeDoingIO", "WeightedTimeDoingIO"}
local stats_names = {"WritesCompleted", "ReadsCompleted", "SectorsWritten", "SectorsRead", "WritesMerged", "ReadsMerged"}

-- The graphs, made by the first message, and the values of the message before.
time_data = nil
stats_data = nil
last_values = {}

local function numbers(names)
    local values = {}
    for i, name in ipairs(names) do
        local value = graph.number(name)
        if not value then return nil end
        values[i] = value
    end
    return values
end

function process_message()
    local interval = graph.number("TickerInterval")
    local times, stats = numbers(time_names), numbers(stats_names)
    if not interval or not times or not stats then return -1 end

    if not time_data then
        time_data  = graph.new(time_title, time_names, "ms", "max", interval)
        stats_data = graph.new(stats_title, stats_names, "per_" .. interval .. "_s", "none", interval)
    end

    local ns = read_message("Timestamp")
    for column, value in ipairs(times) do
        time_data:set(ns, column, value)
    end
    for column, value in ipairs(stats) do
        local last = last_values[column]
        if last then stats_data:set(ns, column, value - last) end
        last_values[column] = value
    end
    return 0
end

-- Before the first message the graphs are nil, and so is the payload.
function timer_event(ns)
    local config = time_data and anomaly_config
    graph.emit(ns, time_title, time_data, config)
    graph.emit(ns, stats_title, stats_data, config)
end
