-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Draws the changes of graphs (circular buffers' deltas) of many hosts side by side: a graph for each column of the original
one, where each host has a column of its own.

The unit and the aggregation of a column and the seconds of a row are those of the original graph. Values are added where the
aggregation is "sum", else the smallest or largest one is kept; columns with the aggregation "none" stay empty.

A graph is called by the name of the original one and its column, such as "Request Statistics (Requests)". A dashboard is told
to draw it filled, the hosts one upon the other.

When a host's column goes to another host, the rows of the old one stay until newer rows take their place.

Config:

- max_hosts (uint)
    How many columns the graphs have. With more hosts than that at a time the filter ends.

- rows (uint)
    How many rows the graphs have.

- host_expiration (uint, optional, default 120)
    Seconds without a message from a host after which its column is free for a new one.

- preservation_version (uint, optional, default 0)
    With preserve_data: a number to change whenever another option changes, so that old data are not loaded.

*Example Heka Configuration*

.. code-block:: ini

    [TelemetryServerMetricsHostAggregator]
    type = "SandboxFilter"
    filename = "lua_filters/cbufd_host_aggregator.lua"
    ticker_interval = 60
    preserve_data = true
    message_matcher = "Logger == 'TelemetryServerMetrics' && Fields[payload_type] == 'cbufd'"

    [TelemetryServerMetricsHostAggregator.config]
    max_hosts = 5
    rows = 60
    host_expiration = 120
    preservation_version = 0
--]]

_PRESERVATION_VERSION = read_config("preservation_version") or 0

require "circular_buffer"
require "cjson"
local cbufd = require "cbufd"

-- For the dashboard.
local options = cjson.encode({options = {stackedGraph = true, fillGraph = true}}) .. "\n"

-- A host that was silent for longer than this, in nanoseconds, may lose its column.
local expiration = (read_config("host_expiration") or 120) * 1e9

local rows      = read_config("rows") or error("rows configuration must be specified")
local max_hosts = read_config("max_hosts") or error("max_host configuration must be specified")

-- The column of each host and when it was last heard of, in nanoseconds. The graphs by name: an array for the columns of the
-- original graph.
hosts = {}
hosts_size = 0
cbufs = {}

-- Graphs for the columns of an original one of this header, which is JSON text. They have columns for all hosts known so far;
-- nil if the text is none.
local function new_graphs(name, header)
    local ok, json = pcall(cjson.decode, header)
    if not ok then return nil end

    local graphs = {}
    for i, info in ipairs(json.column_info) do
        local cbuf = circular_buffer.new(rows, max_hosts, json.seconds_per_row)
        for host, entry in pairs(hosts) do
            cbuf:set_header(entry.index, host, info.unit, info.aggregation)
        end
        graphs[i] = {name = info.name, unit = info.unit, aggregation = info.aggregation, cbuf = cbuf}
    end
    cbufs[name] = graphs
    return graphs
end

-- Gives a column of all graphs to a host.
local function name_column(index, host)
    for _, graphs in pairs(cbufs) do
        for _, graph in ipairs(graphs) do
            graph.cbuf:set_header(index, host, graph.unit, graph.aggregation)
        end
    end
end

-- The column of a host that has none yet: a new one, or that of the host which was silent for the longest time.
local function new_host(name, ns)
    local index
    if hosts_size < max_hosts then
        -- columns are handed out from the left
        hosts_size = hosts_size + 1
        index = hosts_size
    else
        local oldest
        for host, entry in pairs(hosts) do
            if ns - entry.last_update > expiration and (not oldest or entry.last_update < hosts[oldest].last_update) then
                oldest = host
            end
        end

        if not oldest then
            error("The number of hosts exceeds the 'max_hosts' configuration")
        end
        index = hosts[oldest].index
        hosts[oldest] = nil
    end

    local entry = {index = index, last_update = ns}
    hosts[name] = entry
    name_column(index, name)
    return entry
end

local function put(graph, ns, column, value)
    if value ~= value then return end -- nan

    if graph.aggregation == "sum" then
        graph.cbuf:add(ns, column, value)
    elseif graph.aggregation == "min" or graph.aggregation == "max" then
        graph.cbuf:set(ns, column, value)
    end
end

function process_message()
    local text = cbufd.grammar:match(read_message("Payload"))
    if not text then return -1 end

    local name = read_message("Fields[payload_name]") or ""
    local graphs = cbufs[name] or new_graphs(name, text.header)
    if not graphs then return -1 end

    local ns, hostname = read_message("Timestamp"), read_message("Hostname")
    local host = hosts[hostname] or new_host(hostname, ns)
    if ns > host.last_update then host.last_update = ns end

    for _, row in ipairs(text) do
        for i, value in ipairs(row) do
            if graphs[i] then put(graphs[i], row.time, host.index, value) end
        end
    end
    return 0
end

function timer_event()
    for name, graphs in pairs(cbufs) do
        for _, graph in ipairs(graphs) do
            inject_payload("cbuf", name .. " (" .. graph.name .. ")", options, graph.cbuf)
        end
    end
end
