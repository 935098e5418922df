-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[=[
Makes a JSON text for InfluxDB 0.8 of a message from StatAccumInput whose statistics are in the fields
(`emit_in_fields = true`). Each field becomes a series of one point; the field `timestamp` gives its time.

Config:

    none

*Example Heka Configuration*

.. code-block:: ini

    [statmetric-influx-encoder]
    type = "SandboxEncoder"
    filename = "lua_encoders/statmetric_influx.lua"

    [influx]
    type = "HttpOutput"
    message_matcher = "Type == 'heka.statmetric'"
    address = "http://myinfluxserver.example.com:8086/db/stats/series"
    encoder = "statmetric-influx-encoder"
    username = "influx_username"
    password = "influx_password"

*Example Output*

.. code-block:: json

    [{"points":[[1408404848000,78271]],"name":"stats.counters.000000.rate","columns":["time","value"]}]
--]=]

require "cjson"

local BYTES = 1

function process_message()
    local timestamp = tonumber(read_message("Fields[timestamp]"))
    if not timestamp then return -1 end
    local time = timestamp * 1000

    local series = {}
    while true do
        local value_type, name, value = read_next_field()
        if not value_type then break end

        if name ~= "timestamp" and value_type ~= BYTES then
            series[#series + 1] = {name = name, columns = {"time", "value"}, points = {{time, value}}}
        end
    end
    inject_payload("json", "influx_message", cjson.encode(series))
    return 0
end
