-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Draws how often HTTP servers answered by which class of status.

Config:

- sec_per_row (uint, optional, default 60)
    Seconds of a row.

- rows (uint, optional, default 1440)
    How many rows the graph has.

- status_field (string, optional, default "status")
    The field with the status.

- alert_throttle (uint, optional, default 3600)
    Seconds from an alert to the next one.

- anomaly_config (string, optional, default nil)
    What anomalies to look for, as the anomaly module describes. With it the graph has annotations and alerts are sent.

- preservation_version (uint, optional, default 0)
    With preserve_data: a number to change whenever another option changes, so that old data are not loaded.

*Example Heka Configuration*

.. code-block:: ini

    [FxaAuthServerHTTPStatus]
    type = "SandboxFilter"
    filename = "lua_filters/http_status.lua"
    ticker_interval = 60
    preserve_data = true
    message_matcher = "Logger == 'nginx.access' && Type == 'fxa-auth-server'"

    [FxaAuthServerHTTPStatus.config]
    sec_per_row = 60
    rows = 1440
    anomaly_config = 'roc("HTTP Status", 2, 15, 0, 1.5, true, false)'
--]]

_PRESERVATION_VERSION = (read_config("preservation_version") or 0) + 1

local alert = require "alert"
local graph = require "graph"
local math  = require "math"

local title   = "HTTP Status"
local status  = "Fields[" .. (read_config("status_field") or "status") .. "]"
local names   = {"HTTP_100", "HTTP_200", "HTTP_300", "HTTP_400", "HTTP_500", "HTTP_UNKNOWN"}
local UNKNOWN = #names

data = graph.new(title, names)
local anomaly_config = graph.config()
alert.set_throttle((read_config("alert_throttle") or 3600) * 1e9)

function process_message()
    local code = read_message(status)
    if type(code) ~= "number" then return -1 end

    local column = math.floor(code / 100)
    if column < 1 or column > 5 then column = UNKNOWN end
    data:add(read_message("Timestamp"), column, 1)
    return 0
end

function timer_event(ns)
    graph.emit(ns, title, data, anomaly_config)
end
