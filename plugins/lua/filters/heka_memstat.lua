-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Draws the memory of Heka itself, as its messages of type "heka.memstat" give it. Rows keep the largest value.

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

    [HekaMemstat]
    type = "SandboxFilter"
    filename = "lua_filters/heka_memstat.lua"
    ticker_interval = 60
    preserve_data = true
    message_matcher = "Type == 'heka.memstat'"
--]]

_PRESERVATION_VERSION = read_config("preservation_version") or 0

local graph = require "graph"

local title = "Stats"
local names = {"HeapSys", "HeapAlloc", "HeapIdle", "HeapInuse", "HeapReleased", "HeapObjects"}

data = graph.new(title, names, "B", "max")
data:set_header(#names, "HeapObjects", "count", "max")
local anomaly_config = graph.config()

function process_message()
    return graph.set_row(data, names)
end

function timer_event(ns)
    graph.emit(ns, title, data, anomaly_config)
end
