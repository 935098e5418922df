-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Draws the system's memory, as the decoder linux_memstats gives it. Rows keep the largest value.

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

    [MemoryStatsFilter]
    type = "SandboxFilter"
    filename = "lua_filters/memstats.lua"
    ticker_interval = 60
    preserve_data = true
    message_matcher = "Type == 'stats.memstats'"
--]]

_PRESERVATION_VERSION = read_config("preservation_version") or 0

local graph = require "graph"

local title = "Memory Stats"
local names = {"MemFree", "Cached", "Active", "Inactive", "VmallocUsed", "Shmem", "SwapCached", "SwapFree", "SwapUsed"}

data = graph.new(title, names, "Count", "max")
local anomaly_config = graph.config()

local function value_of(name)
    if name ~= "SwapUsed" then return graph.number(name) end

    local total, free = graph.number("SwapTotal"), graph.number("SwapFree")
    return total and free and total - free
end

function process_message()
    return graph.set_row(data, names, value_of)
end

function timer_event(ns)
    graph.emit(ns, title, data, anomaly_config)
end
