-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Times of RFC 3339, read fast.
--
-- ns   a pattern for the texts that fit date_time's rfc3339. Gives the nanoseconds since the epoch, the same as
--      date_time.time_to_ns.

local l  = require "lpeg"
local dt = require "date_time"
l.locale(l)

local P, R, S, C, Cc, Ct = l.P, l.R, l.S, l.C, l.Cc, l.Ct
local digit, tonumber = l.digit, tonumber

local M = {}
setfenv(1, M)

-- Logs have many lines of one second, but fractions that differ: what was found out of a second or a zone is kept, until
-- there is too much of it.
local function kept(compute)
    local known, count = {}, 0
    return function(text)
        local value = known[text]
        if value then return value end

        if count >= 64 then known, count = {}, 0 end
        value = compute(text)
        known[text], count = value, count + 1
        return value
    end
end

local unzoned_grammar = Ct(dt.rfc3339_full_date * "T" * dt.time_hour * ":" * dt.time_minute * ":" * dt.time_second)
local unzoned = kept(function(text) return dt.time_to_ns(unzoned_grammar:match(text)) / 1e9 end)

local zone_grammar = Ct(dt.rfc3339_time_offset)
local offset_seconds = kept(function(text)
    local zone = zone_grammar:match(text)
    if not zone.offset_hour then return 0 end
    local seconds = zone.offset_hour * 3600 + zone.offset_min * 60
    return zone.offset_sign == "+" and -seconds or seconds
end)

local hour24 = R"01" * digit + P"2" * R"03"
local sixty  = R"05" * digit

local date_text = digit * digit * digit * digit * "-" * (P"0" * R"19" + P"1" * R"02") * "-"
    * (P"0" * R"19" + R"12" * digit + P"3" * R"01")
local time_text = "T" * hour24 * ":" * sixty * ":" * (sixty + P"60")
local zone_text = P"Z" + S"+-" * hour24 * ":" * sixty

ns = C(date_text * time_text) * (P"." * digit^1 / tonumber + Cc(0)) * C(zone_text) / function(second, fraction, zone)
    return (unzoned(second) + fraction + offset_seconds(zone)) * 1e9
end

return M
