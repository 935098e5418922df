-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Which headers and fields of a message an option speaks of.
--
-- base_fields_list       set of the headers that go for fields
-- base_fields_tag_list   set of those that go for tags
-- field_map(names)       the set of space-separated names, whether "**all_base**" and whether "**all**" is among them
-- message_timestamp(precision)   the message's time, floored, in "ms" (also of anything else), "s", "m" or "h"
-- used_base_fields(names)        the headers of base_fields_list that are in this set

local math = require "math"
require "string"

local read_message, pairs = read_message, pairs
local floor, gmatch = math.floor, string.gmatch

local M = {}
setfenv(1, M)

base_fields_list = {
    EnvVersion = true,
    Hostname   = true,
    Logger     = true,
    Payload    = true,
    Pid        = true,
    Severity   = true,
    Type       = true,
}

base_fields_tag_list = {
    Hostname = true,
    Logger   = true,
    Severity = true,
    Type     = true,
}

function field_map(names)
    if not names or names == "" then return base_fields_list, true, false end

    local set = {}
    for name in gmatch(names, "[%S]+") do
        set[name] = true
    end
    local all_base, all = set["**all_base**"] or false, set["**all**"] or false
    if all_base or all then
        for name in pairs(base_fields_list) do
            set[name] = true
        end
    end
    return set, all_base, all
end

local units = {s = 1e9, m = 60 * 1e9, h = 3600 * 1e9}

function message_timestamp(precision)
    return floor(read_message("Timestamp") / (units[precision] or 1e6))
end

function used_base_fields(names)
    local used = {}
    for name in pairs(base_fields_list) do
        if names[name] then used[name] = true end
    end
    return used
end

return M
