-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Estimates how many different values a header or field has in a day, in bounded memory (a HyperLogLog), and draws it.

Config:

- message_variable (string)
    The header or field, such as "Fields[uid]".

- title (string, optional, default "Estimated Unique Daily" and the variable)
    Title of the graph.

- enable_delta (bool, optional, default false)
    Sends also the changes since the last time, for the filter cbufd_aggregator.

- rows (uint, optional, default 365)
    How many rows the graph has.

- seconds_per_row (uint, optional, default 86400)
    Seconds of a row.

- preservation_version (uint, optional, default 0)
    With preserve_data: a number to change whenever another option changes, so that old data are not loaded.

*Example Heka Configuration*

.. code-block:: ini

    [FxaActiveDailyUsers]
    type = "SandboxFilter"
    filename = "lua_filters/unique_items.lua"
    ticker_interval = 60
    preserve_data = true
    message_matcher = "Logger == 'FxaAuth' && Type == 'request.summary' && Fields[path] == '/v1/certificate/sign'"

    [FxaActiveDailyUsers.config]
    message_variable = "Fields[uid]"
    title = "Estimated Active Daily Users"
--]]

_PRESERVATION_VERSION = read_config("preservation_version") or 0

require "circular_buffer"
require "hyperloglog"
local math = require "math"
require "string"

local variable        = read_config("message_variable") or error("message_variable configuration must be specified")
local title           = read_config("title") or "Estimated Unique Daily " .. variable
local enable_delta    = read_config("enable_delta")
local seconds_per_row = read_config("seconds_per_row") or 86400

data = circular_buffer.new(read_config("rows") or 365, 1, seconds_per_row, enable_delta)
data:set_header(1, variable:match("^Fields%[(.+)%]$") or variable)

-- What was seen in the row that is counted now, and the number of that row (a day, unless the rows are of other length).
hll = hyperloglog.new()
active_day = 0

function process_message()
    local item = read_message(variable)
    if type(item) ~= "string" and type(item) ~= "number" then return -1 end

    local ns = read_message("Timestamp")
    local row = math.floor(ns / (seconds_per_row * 1e9))
    if row < active_day then return 0 end
    if row > active_day then
        hll:clear()
        active_day = row
    end

    if hll:add(item) then data:set(ns, 1, hll:count()) end
    return 0
end

function timer_event()
    inject_payload("cbuf", title, data:format("cbuf"))
    if enable_delta then inject_payload("cbufd", title, data:format("cbufd")) end
end
