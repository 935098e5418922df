-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Makes a JSON text for Librato's API of the text of a circular buffer: a gauge for each value of the rows that are new since
the last time. The newest row is left out, as it is not complete yet.

Config:

- message_key (string, optional, default "%{Logger}:%{payload_name}")
    Tells the graphs apart: names of headers and fields in %{} are replaced.

*Example Heka Configuration*

.. code-block:: ini

    [cbuf_librato_encoder]
    type = "SandboxEncoder"
    filename = "lua_encoders/cbuf_librato.lua"
    preserve_data = true

    [cbuf_librato_encoder.config]
    message_key = "%{Logger}:%{Hostname}:%{payload_name}"

    [librato]
    type = "HttpOutput"
    message_matcher = "Type == 'heka.sandbox-output' && Fields[payload_type] == 'cbuf'"
    encoder = "cbuf_librato_encoder"
    address = "https://metrics-api.librato.com/v1/metrics"
    username = "username@example.com"
    password = "SECRET"

    [librato.headers]
    Content-Type = ["application/json"]

*Example Output*

.. code-block:: json

    {"gauges":[{"value":12,"measure_time":1410824950,"name":"HTTP_200","source":"thor"}]}
--]]

require "cjson"
local l  = require "lpeg"
local mi = require "msg_interpolate"
l.locale(l)

local message_key = read_config("message_key") or "%{Logger}:%{payload_name}"

-- Time of the last text by key, in seconds.
last_times = {}

-- A value is a number or false.
local newline  = l.P"\n"
local digits   = l.digit^1
local exponent = l.S"eE" * l.S"+-"^-1 * digits
local number   = l.P"-"^-1 * digits * ("." * digits)^-1 * exponent^-1 / tonumber
local value    = number + l.P"-"^-1 * (l.P"nan" + "inf") * l.Cc(false)

local line    = (1 - newline)^1 * newline
local row     = l.Ct(value * ("\t" * value)^0) * newline
local grammar = (l.P'{"annotations"' * line)^-1 * l.C(line) * l.Ct(row^1) * -1

local function complete(header, rows)
    return header.time and header.rows and header.seconds_per_row and header.columns and header.column_info
        and #header.column_info == header.columns and #rows == header.rows and #rows >= 3
end

-- The first row that is new. Nil and a status if there is none.
local function first_new_row(key, header)
    local last_time = last_times[key]
    if not last_time then return 1 end

    local elapsed = (header.time - last_time) / header.seconds_per_row
    if elapsed == 0 then return nil, -2 end
    if elapsed < 0 or elapsed % 1 ~= 0 then return nil, -1 end
    if elapsed >= header.rows - 1 then return 1 end
    return header.rows - elapsed
end

local function gauges_of(header, rows, first)
    local source = read_message("Hostname")
    local gauges = {}
    for i = first, #rows - 1 do
        local time = header.time + (i - 1) * header.seconds_per_row
        for column, info in ipairs(header.column_info) do
            local value = rows[i][column]
            if value then
                gauges[#gauges + 1] = {value = value, name = info.name, source = source, measure_time = time}
            end
        end
    end
    return gauges
end

function process_message()
    local text, rows = grammar:match(read_message("Payload"))
    if not text then return -1 end

    local ok, header = pcall(cjson.decode, text)
    if not ok or not complete(header, rows) then return -1 end

    local key = mi.interpolate_from_msg(message_key)
    local first, status = first_new_row(key, header)
    if not first then return status end

    local gauges = gauges_of(header, rows, first)
    if #gauges == 0 then return -2 end

    last_times[key] = header.time
    inject_payload("json", "librato", cjson.encode({gauges = gauges}))
    return 0
end
