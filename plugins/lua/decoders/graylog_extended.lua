-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses messages in GELF, the Graylog Extended Log Format: a JSON object.

The members timestamp, version, level and host become the message's Timestamp, EnvVersion, Severity and Hostname. All others
become fields, among them:

- short_message
    What happened, in a few words.

- full_message
    The long text, such as a stack trace.

- _name
    Whatever the sender added.

An array of texts, numbers or bools becomes a field with many values. A message with an object or an empty array in it is
refused, so is one whose timestamp is missing or not a number.

Config:

- type (string, optional, default nil)
    The message's Type.

- payload_keep (bool, optional, default false)
    Keeps the JSON text as the message's Payload.

*Example Heka Configuration*

.. code-block:: ini

    [GELFLogInput]
    type = "LogstreamerInput"
    log_directory = "/var/log"
    file_match = 'application\.gelf'
    decoder = "GraylogDecoder"

    [GraylogDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/graylog_extended.lua"

    [GraylogDecoder.config]
    type = "gelf"
    payload_keep = true

*Example Message*

.. code-block:: json

    {"version": "1.1", "host": "web1", "short_message": "no answer", "timestamp": 1385053862.3072, "level": 1}
--]]

require "cjson"

local msg_type     = read_config("type")
local payload_keep = read_config("payload_keep")

local msg = {
    Timestamp  = nil,
    Type       = msg_type,
    EnvVersion = nil,
    Hostname   = nil,
    Severity   = nil,
    Payload    = nil,
    Fields     = nil,
}

function process_message()
    local text = read_message("Payload")
    local ok, json = pcall(cjson.decode, text)
    if not ok then return -1 end

    -- JSON that is not an object ends the decoder here.
    local timestamp = json.timestamp
    if type(timestamp) ~= "number" then return -1 end

    msg.Timestamp  = timestamp * 1e9
    msg.EnvVersion = json.version
    msg.Severity   = json.level
    msg.Hostname   = json.host
    json.timestamp, json.version, json.level, json.host = nil, nil, nil, nil

    if payload_keep then msg.Payload = text end
    msg.Fields = json
    if not pcall(inject_message, msg) then return -1 end
    return 0
end
