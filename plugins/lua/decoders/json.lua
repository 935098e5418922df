-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses a JSON text. The members of the object become fields.

What is in an inner object or array gets a name of all names on the way, such as "request.headers.1". Members that are null
are left out.

Config:

- type (string, optional, default "json")
    The message's Type.

- payload_keep (bool, optional, default false)
    Keeps the JSON text as the message's Payload.

- map_fields (bool, optional, default false)
    Lets the options from Payload to Pid name members that become headers of the message instead of fields.

- Payload, Uuid, Type, Logger, Hostname (string, optional)
    Names of members that are texts. A member that is none stays a field.

- Severity, EnvVersion, Pid (string, optional)
    Names of members that are numbers. A member that is none stays a field.

- Timestamp (string, optional)
    Name of the member that becomes the message's Timestamp, also without map_fields.

- timestamp_format (string, optional)
    The form of that member, as for strftime. Without it the member is a number of nanoseconds since the epoch.

- maximum_depth (int, optional, default nil)
    The deepest level of names. What is deeper is kept as JSON text.

- separator (string, optional, default ".")
    Stands between the names on the way. To find the depth it is taken as a Lua pattern: use another one than "." with
    maximum_depth.

*Example Heka Configuration*

.. code-block:: ini

    [JsonDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/json.lua"

    [JsonDecoder.config]
    type = "app"
    map_fields = true
    Hostname = "host"
    Severity = "level"
    Timestamp = "time"
    timestamp_format = "%Y-%m-%dT%H:%M:%S%z"
--]]

require "cjson"
local dt   = require "date_time"
local util = require "util"

local payload_keep  = read_config("payload_keep")
local maximum_depth = read_config("maximum_depth")
local separator     = read_config("separator")

local header_types = {
    Payload    = "string",
    Uuid       = "string",
    Type       = "string",
    Logger     = "string",
    Hostname   = "string",
    Severity   = "number",
    EnvVersion = "number",
    Pid        = "number",
}

-- The members that become headers, by header.
local headers = {}
if read_config("map_fields") then
    for header in pairs(header_types) do
        headers[header] = read_config(header)
    end
end

local time_member = read_config("Timestamp")
local time_format = read_config("timestamp_format")
local time_grammar = time_member and time_format and dt.build_strftime_grammar(time_format)

local msg = {
    Type = read_config("type") or "json",
}

local function map_headers(json)
    for header, member in pairs(headers) do
        local value = json[member]
        if type(value) == header_types[header] then
            msg[header] = value
            json[member] = nil
        else
            msg[header] = nil
        end
    end
end

local function map_time(json)
    local time = json[time_member]
    json[time_member] = nil
    if time_grammar and time then
        local date = type(time) == "string" and time_grammar:match(time)
        if not date then return false end
        time = dt.time_to_ns(date)
    end
    msg.Timestamp = time
    return true
end

function process_message()
    local text = read_message("Payload")
    local ok, json = pcall(cjson.decode, text)
    if not ok then return -1, "Failed to decode JSON." end

    if payload_keep then msg.Payload = text end
    map_headers(json)
    if time_member and not map_time(json) then return -1, "Failed to decode timestamp." end

    local fields = {}
    if not pcall(util.table_to_fields, json, fields, nil, separator, maximum_depth) then
        return -1, "Failed to flatten message."
    end

    msg.Fields = fields
    if not pcall(inject_message, msg) then return -1, "Failed to inject message." end
    return 0
end
