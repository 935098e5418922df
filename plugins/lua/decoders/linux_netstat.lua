-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses /proc/net/netstat or /proc/net/snmp, read by a FilePollingInput.

Fields: <protocol>_<name> for each counter, and FilePath of the input.

Config:

- payload_keep (bool, optional, default false)
    Accepted; the message has no Payload either way.

*Example Heka Configuration*

.. code-block:: ini

    [NetStat]
    type = "FilePollingInput"
    ticker_interval = 1
    file_path = "/proc/net/netstat"
    decoder = "NetStatDecoder"

    [NetStatDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/linux_netstat.lua"
--]]

local l = require "lpeg"
l.locale(l)

local msg = {
    Type   = "stats.netstat",
    Fields = nil,
}

local protocol = l.C(l.alnum^1) * ":"
local names    = l.Ct((l.P" "^1 * l.C(l.alnum^1))^1) * l.P" "^0 * "\n"
local counts   = l.Ct((l.P" "^1 * l.C(l.P"-"^-1 * l.digit^1))^1) * l.P" "^0 * "\n" -- MaxConn of Tcp is -1

-- A line of names, then one of counts for the same protocol.
local pair    = l.Ct(protocol * names * protocol * counts)
local grammar = l.Ct(pair^1) * -1

function process_message()
    local pairs_of_lines = grammar:match(read_message("Payload"))
    if not pairs_of_lines then return -1, "Failed to match grammar" end

    local fields = {FilePath = read_message("Fields[FilePath]")}
    for _, lines in ipairs(pairs_of_lines) do
        local prefix, titles, other, numbers = lines[1], lines[2], lines[3], lines[4]
        if prefix ~= other or #titles ~= #numbers then return -1, "Failed to match grammar" end
        for i, title in ipairs(titles) do
            fields[prefix .. "_" .. title] = {value = numbers[i] + 0, value_type = 2}
        end
    end
    msg.Fields = fields
    inject_message(msg)
    return 0
end
