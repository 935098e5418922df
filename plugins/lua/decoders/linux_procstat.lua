-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses /proc/stat, read by a FilePollingInput.

Fields: one for each line, with all its numbers.

Config:

- payload_keep (bool, optional, default false)
    Keeps the text as the message's Payload.

*Example Heka Configuration*

.. code-block:: ini

    [ProcStats]
    type = "FilePollingInput"
    ticker_interval = 1
    file_path = "/proc/stat"
    decoder = "ProcStatDecoder"

    [ProcStatDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/linux_procstat.lua"
--]]

local l = require "lpeg"
l.locale(l)

local payload_keep = read_config("payload_keep")

local msg = {
    Type    = "stats.procstat",
    Payload = nil,
    Fields  = nil,
}

local name    = l.C((l.alnum + "_")^1)
local numbers = l.Ct((l.P" "^1 * (l.digit^1 / tonumber))^1)

local grammar = l.Cf(l.Ct"" * l.Cg(name * numbers * l.P" "^0 * "\n")^1, rawset) * -1

function process_message()
    local text = read_message("Payload")
    local fields = grammar:match(text)
    if not fields then return -1 end

    if payload_keep then msg.Payload = text end
    msg.Fields = fields
    inject_message(msg)
    return 0
end
