-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses the query log of the name server BIND 9.

The message has the time of its parsing; the time of the query is the field Timestamp, in nanoseconds since the epoch.

Fields: ClientIP, ClientEphemeralPort, FullQuery, QueryName (the first label of the name), QueryDomain (the others),
RecordClass, RecordType, QueryFlags (a text for each flag), ServerRespondingIP, Timestamp.

Config:

- type (string, optional, default nil)
    The message's Type.

*Example Heka Configuration*

.. code-block:: ini

    [bind_query_logs]
    type = "LogstreamerInput"
    decoder = "bind_query_log_decoder"
    file_match = 'named_query.log'
    log_directory = "/var/log/named"

    [bind_query_log_decoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/bind_query_log.lua"

    [bind_query_log_decoder.config]
    type = "bind.query"
--]]

local l    = require "lpeg"
local bind = require "bind"

local grammar = l.Ct(bind.query_log_grammar)

local msg = {
    Type    = read_config("type"),
    Payload = nil,
    Fields  = nil,
}

function process_message()
    local line = read_message("Payload")
    local fields = grammar:match(line)
    if not fields then return -1, "Failed to parse the BIND query log line." end

    -- There is no such field, but a table from which one was taken lists its fields in the order that they always had.
    fields.time = nil

    msg.Payload = line
    msg.Fields = fields
    inject_message(msg)
    return 0
end
