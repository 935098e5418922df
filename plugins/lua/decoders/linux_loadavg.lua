-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses /proc/loadavg, read by a FilePollingInput.

Fields: 1MinAvg, 5MinAvg, 15MinAvg, NumProcesses (running ones) and FilePath of the input.

Config:

- payload_keep (bool, optional, default false)
    Keeps the text as the message's Payload.

*Example Heka Configuration*

.. code-block:: ini

    [LoadAvg]
    type = "FilePollingInput"
    ticker_interval = 1
    file_path = "/proc/loadavg"
    decoder = "LoadAvgDecoder"

    [LoadAvgDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/linux_loadavg.lua"
--]]

local l = require "lpeg"
l.locale(l)

local payload_keep = read_config("payload_keep")

local msg = {
    Type    = "stats.loadavg",
    Payload = nil,
    Fields  = nil,
}

local average = l.digit^1 * "." * l.digit^1 / tonumber
local count   = l.digit^1 / tonumber

local grammar = l.Ct(
    l.Cg(average, "1MinAvg") * l.space^1
    * l.Cg(average, "5MinAvg") * l.space^1
    * l.Cg(average, "15MinAvg") * l.space^1
    * l.Cg(count, "NumProcesses") * "/" * l.digit^1 * l.space^1
    * l.digit^1
)

function process_message()
    local text = read_message("Payload")
    local fields = grammar:match(text)
    if not fields then return -1 end

    if payload_keep then msg.Payload = text end
    fields.FilePath = read_message("Fields[FilePath]")
    msg.Fields = fields
    inject_message(msg)
    return 0
end
