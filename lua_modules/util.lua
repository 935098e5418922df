-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Work on tables.
--
-- table_to_fields(t, fields, parent, char, max_depth)
--     Puts the values of a table and all tables in it into `fields`. The key of a value is the path to it, joined by `char`
--     ("." unless it is a string) and below `parent` unless that is nil. A table as deep as max_depth becomes JSON.
-- behead_array(idx, array)
--     Drops the elements before the index.

local cjson = require "cjson"
require "string"

local pairs, type = pairs, type
local encode, gsub = cjson.encode, string.gsub

local M = {}
setfenv(1, M)

-- The depth of a key is how often the separator is in it, and the separator counts as a pattern of Lua. So with "." every
-- character is a level: dashboards and configurations rely on the keys that this gives.
local function depth(key, char)
    local _, count = gsub(key, char, "")
    return count + 1
end

function table_to_fields(t, fields, parent, char, max_depth)
    if type(char) ~= "string" then char = "." end

    for key, value in pairs(t) do
        if parent then key = parent .. char .. key end
        local kind = type(value)

        if kind == "table" then
            if max_depth and depth(key, char) >= max_depth then
                fields[key] = encode(value)
            else
                table_to_fields(value, fields, key, char, max_depth)
            end
        elseif kind ~= "userdata" then
            fields[key] = value
        end
    end
end

function behead_array(idx, array)
    if idx <= 1 then return end
    local length = #array
    for i = 1, length do
        array[i] = array[i + idx - 1]
    end
end

return M
