-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses /proc/net/dev, read by a FilePollingInput. Each interface gives a message of its own.

Fields: netdevice, receive_<column> and transmit_<column> for each column, and FilePath of the input.

Config:

- payload_keep (bool, optional, default false)
    Accepted; the message has no Payload either way.

*Example Heka Configuration*

.. code-block:: ini

    [NetDev]
    type = "FilePollingInput"
    ticker_interval = 1
    file_path = "/proc/net/dev"
    decoder = "NetDevDecoder"

    [NetDevDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/linux_netdev.lua"
--]]

local l = require "lpeg"
l.locale(l)

local msg = {
    Type   = "stats.netdev",
    Fields = nil,
}

local word    = l.C((l.P(1) - l.S" |\n")^1)
local columns = l.Ct((l.P" "^0 * word)^1) * l.P" "^0
local titles  = l.P"Inter-|" * (l.P(1) - "\n")^1 * "\n"
    * l.P" "^0 * "face |" * l.Cg(columns, "receive") * "|" * l.Cg(columns, "transmit") * "\n"

local device = l.P" "^0 * l.Cg(l.alnum^1, "netdevice") * ":" * (l.P" "^0 * l.C(l.digit^1))^1 * l.P" "^0 * "\n"
local grammar = l.Ct(titles * l.Ct(device)^1) * -1

-- The kernel does not change its columns, so the names are made once.
local names

local function name_columns(page)
    names = {}
    for _, direction in ipairs{"receive", "transmit"} do
        for _, column in ipairs(page[direction]) do
            names[#names + 1] = direction .. "_" .. column
        end
    end
end

function process_message()
    local page = grammar:match(read_message("Payload"))
    if not page then return -1, "Failed to match grammar" end
    if not names then name_columns(page) end

    for _, counts in ipairs(page) do
        local fields = {FilePath = read_message("Fields[FilePath]")}
        for i, count in ipairs(counts) do
            fields[names[i]] = {value = count + 0, value_type = 2}
        end
        fields.netdevice = counts.netdevice
        msg.Fields = fields
        inject_message(msg)
    end
    return 0
end
