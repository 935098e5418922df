-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Puts the changes of graphs (circular buffers' deltas) of many hosts together: a graph of the same name and form, where values
are added or the smallest or largest one is kept, as the column says. Columns with the aggregation "none" stay empty.

Config:

- enable_delta (bool, optional, default false)
    Sends also the changes of the sums, for another cbufd_aggregator.

- anomaly_config (string, optional, default nil)
    What anomalies to look for, as the anomaly module describes. With it the graph has annotations and alerts are sent.

- preservation_version (uint, optional, default 0)
    With preserve_data: a number to change whenever another option changes, so that old data are not loaded.

*Example Heka Configuration*

.. code-block:: ini

    [TelemetryServerMetricsAggregator]
    type = "SandboxFilter"
    filename = "lua_filters/cbufd_aggregator.lua"
    ticker_interval = 60
    preserve_data = true
    message_matcher = "Logger == 'TelemetryServerMetrics' && Fields[payload_type] == 'cbufd'"

    [TelemetryServerMetricsAggregator.config]
    enable_delta = false
    anomaly_config = 'roc("Request Statistics", 1, 15, 0, 1.5, true, false)'
--]]

_PRESERVATION_VERSION = read_config("preservation_version") or 0

require "circular_buffer"
require "cjson"
local cbufd = require "cbufd"
local graph = require "graph"

local enable_delta   = read_config("enable_delta")
local anomaly_config = graph.config()

-- The graphs by name.
cbufs = {}

local function new_graph(name, header)
    local ok, json = pcall(cjson.decode, header)
    if not ok then return nil end

    local cbuf = circular_buffer.new(json.rows, json.columns, json.seconds_per_row, enable_delta)
    for column, info in ipairs(json.column_info) do
        cbuf:set_header(column, info.name, info.unit, info.aggregation)
    end
    graph.prune(name, cbuf)
    cbufs[name] = cbuf
    return cbuf
end

local function put(cbuf, ns, column, value)
    if value ~= value then return end -- nan

    local _, _, aggregation = cbuf:get_header(column)
    if aggregation == "sum" then
        cbuf:add(ns, column, value)
    elseif aggregation == "min" or aggregation == "max" then
        cbuf:set(ns, column, value)
    end
end

function process_message()
    local rows = cbufd.grammar:match(read_message("Payload"))
    if not rows then return -1 end

    local name = read_message("Fields[payload_name]") or ""
    local cbuf = cbufs[name] or new_graph(name, rows.header)
    if not cbuf then return -1 end

    for _, row in ipairs(rows) do
        for column, value in ipairs(row) do
            put(cbuf, row.time, column, value)
        end
    end
    return 0
end

function timer_event(ns)
    for name, cbuf in pairs(cbufs) do
        graph.emit(ns, name, cbuf:format("cbuf"), anomaly_config)
        if enable_delta then inject_payload("cbufd", name, cbuf:format("cbufd")) end
    end
end
