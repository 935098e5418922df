-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[=[
Makes a JSON text for InfluxDB 0.8 of a message. All headers and fields become columns of one point in one series or, if
asked for, each field becomes the column "value" of a series of its own.

A field with many values becomes an array. Of two fields with one name the second is called name2. Fields of bytes and a
field "Timestamp" are left out.

Config:

- series (string, optional, default "series")
    Name of the series. In it names of headers and fields in %{} are replaced.

- skip_fields (string, optional, default "")
    Names of headers and fields to leave out, separated by spaces.

- multi_series (bool, optional, default false)
    Makes a series of each field. It is called by the series name, a dot and the field name. A field with many values goes
    by the first one.

- exclude_base_fields (bool, optional, default false)
    Leaves all headers out.

*Example Heka Configuration*

.. code-block:: ini

    [influxdb]
    type = "SandboxEncoder"
    filename = "lua_encoders/schema_influx.lua"

    [influxdb.config]
    series = "heka.%{Logger}"
    skip_fields = "Pid EnvVersion"

    [InfluxOutput]
    type = "HttpOutput"
    message_matcher = "Type == 'influxdb'"
    encoder = "influxdb"
    address = "http://influxdbserver.example.com:8086/db/databasename/series"
    username = "influx_username"
    password = "influx_password"

*Example Output*

.. code-block:: json

    [{"points":[[1409596165000,"hostname",1.5]],"name":"heka.MyLogger","columns":["time","Hostname","load"]}]
--]=]

require "cjson"
require "string"
local field_util = require "field_util"
local mi         = require "msg_interpolate"

local BYTES = 1

local series_name  = read_config("series") or "series"
local multi_series = read_config("multi_series")
local skip_fields  = read_config("skip_fields")

-- The headers that become columns, in order, and the fields to leave out: a header's name skips no field.
local base_fields = {}
local skip = skip_fields and field_util.field_map(skip_fields) or {}

if not read_config("exclude_base_fields") then
    for _, name in ipairs{"Type", "Payload", "Hostname", "Pid", "Logger", "Severity", "EnvVersion"} do
        if not skip[name] then base_fields[#base_fields + 1] = name end
    end
end
for name in pairs(field_util.base_fields_list) do
    skip[name] = nil
end

-- The columns and the values that every series begins with, and their count. A header without a value is null.
local function base_columns()
    local columns, values = {"time"}, {read_message("Timestamp") / 1e6}
    local count = 1
    for _, name in ipairs(base_fields) do
        count = count + 1
        columns[count] = name
        values[count] = read_message(name)
    end
    return columns, values, count
end

local function each_field(visit)
    while true do
        local value_type, name, value, _, size = read_next_field()
        if not value_type then return end
        if not skip[name] then visit(name, value, value_type, size) end
    end
end

local function single(name)
    local columns, values, count = base_columns()
    local seen = {}
    each_field(function(field, value, value_type, size)
        if value_type == BYTES or field == "Timestamp" then return end

        local nth = (seen[field] or 0) + 1
        seen[field] = nth
        if size > 1 then
            value = {value}
            for i = 2, size do
                value[i] = read_message("Fields[" .. field .. "]", nth - 1, i - 1)
            end
        end
        count = count + 1
        columns[count] = nth == 1 and field or field .. nth
        values[count] = value
    end)
    return {{name = name, columns = columns, points = {values}}}
end

local function multi(name)
    local series = {}
    each_field(function(field, value)
        local columns, values, count = base_columns()
        columns[count + 1] = "value"
        values[count + 1] = value
        series[#series + 1] = {name = name .. "." .. field, columns = columns, points = {values}}
    end)
    return series
end

function process_message()
    local name = mi.interpolate_from_msg(series_name, read_message("Timestamp") / 1e9)
    local series = multi_series and multi(name) or single(name)
    inject_payload("json", "influx_message", cjson.encode(series))
    return 0
end
