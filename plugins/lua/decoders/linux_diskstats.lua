-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses /sys/block/<device>/stat, read by a FilePollingInput.

Fields: ReadsCompleted, ReadsMerged, SectorsRead, TimeReading, WritesCompleted, WritesMerged, SectorsWritten, TimeWriting,
NumIOInProgress, TimeDoingIO, WeightedTimeDoingIO, and FilePath and TickerInterval of the input.

Config:

- payload_keep (bool, optional, default false)
    Keeps the text as the message's Payload.

*Example Heka Configuration*

.. code-block:: ini

    [DiskStats]
    type = "FilePollingInput"
    ticker_interval = 1
    file_path = "/sys/block/sda/stat"
    decoder = "DiskStatsDecoder"

    [DiskStatsDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/linux_diskstats.lua"
--]]

local l = require "lpeg"
l.locale(l)

local payload_keep = read_config("payload_keep")

local msg = {
    Type    = "stats.diskstats",
    Payload = nil,
    Fields  = nil,
}

local names = {"ReadsCompleted", "ReadsMerged", "SectorsRead", "TimeReading", "WritesCompleted", "WritesMerged",
    "SectorsWritten", "TimeWriting", "NumIOInProgress", "TimeDoingIO", "WeightedTimeDoingIO"}

local columns = l.P" "^0
for i, name in ipairs(names) do
    if i > 1 then columns = columns * l.P" "^1 end
    columns = columns * l.Cg(l.digit^1 / tonumber, name)
end

-- Newer kernels have more columns: of discards and flushes.
local more = (l.P" "^1 * l.digit^1)^0

local grammar = l.Ct(columns * more * l.P" "^0 * "\n")

function process_message()
    local text = read_message("Payload")
    local fields = grammar:match(text)
    if not fields then return -1 end

    if payload_keep then msg.Payload = text end
    fields.FilePath = read_message("Fields[FilePath]")
    fields.TickerInterval = read_message("Fields[TickerInterval]")
    msg.Fields = fields
    inject_message(msg)
    return 0
end
