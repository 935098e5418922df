-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses /proc/meminfo, read by a FilePollingInput.

Fields: one for each line, with its unit as the representation, and FilePath of the input.

Config:

- payload_keep (bool, optional, default false)
    Keeps the text as the message's Payload.

*Example Heka Configuration*

.. code-block:: ini

    [MemStats]
    type = "FilePollingInput"
    ticker_interval = 1
    file_path = "/proc/meminfo"
    decoder = "MemStatsDecoder"

    [MemStatsDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/linux_memstats.lua"
--]]

local l = require "lpeg"
l.locale(l)

local payload_keep = read_config("payload_keep")

local msg = {
    Type    = "stats.memstats",
    Payload = nil,
    Fields  = nil,
}

local name   = l.C((l.P(1) - l.S":\n")^1) * ":" * l.P" "^1
local amount = l.Ct(
    l.Cg(l.digit^1 / tonumber, "value")
    * l.P" "^0 * l.Cg(l.C(l.alpha^0), "representation")
)

local grammar = l.Cf(l.Ct"" * l.Cg(name * amount * "\n")^1, rawset) * -1

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
