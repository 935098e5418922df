-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Patterns for dates and times, and what they mean in nanoseconds since the epoch.
--
-- A pattern for a whole date gives a table in the form that os.time takes: year, month, day, hour, min, sec as text,
-- and where the date has them sec_frac, offset_sign, offset_hour, offset_min, period (AM or PM), time_t.

local l = require "lpeg"
require "os"
require "string"
l.locale(l)

local P, R, S, C, Cc, Cg, Ct = l.P, l.R, l.S, l.C, l.Cc, l.Cg, l.Ct
local digit, tonumber, error, ipairs = l.digit, tonumber, error, ipairs
local os_time, os_date = os.time, os.date

local M = {}
setfenv(1, M)

-- In error messages the function is still called by its name, although
-- the library is not a global of this module.
local os = {time = os_time}

-- Nanoseconds since the epoch of a date table; 0 of nil. A clock with a period becomes one of 24 hours in the table. An
-- offset to the east is taken off. What os.time cannot tell apart from a failure (one second before the epoch) is 0.
function time_to_ns(t)
    if not t then return 0 end
    if t.time_t then return t.time_t * 1e9 end

    local period = t.period
    if period then
        local hour = tonumber(t.hour) % 12
        t.hour = period == "PM" and hour + 12 or hour
    end

    local offset = 0
    if t.offset_hour then
        offset = t.offset_hour * 3600 + t.offset_min * 60
        if t.offset_sign == "+" then offset = -offset end
    end
    local seconds = os.time(t)
    if not seconds then return 0 end
    return (seconds + (t.sec_frac or 0) + offset) * 1e9
end

-- Nanoseconds of a text or number in seconds.
function seconds_to_ns(s)
    return tonumber(s) * 1e9
end

local function names(list)
    local pattern = P(false)
    for i, name in ipairs(list) do
        pattern = pattern + P(name) / (i .. "")
    end
    return pattern
end

local months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
local full_months = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December"}

local day_tens = R"12" * digit + P"3" * R"01"

date_fullyear = Cg(digit * digit * digit * digit, "year")
date_month    = Cg(P"0" * R"19" + P"1" * R"02", "month")
date_mabbr    = Cg(names(months), "month")
date_mfull    = Cg(names(full_months), "month")
date_mday     = Cg(P"0" * R"19" + day_tens, "day")
date_mday_sp  = Cg(P" " * R"19" + day_tens, "day")

local hour24 = R"01" * digit + P"2" * R"03"
local sixty  = R"05" * digit

time_hour    = Cg(hour24, "hour")
time_minute  = Cg(sixty, "min")
time_second  = Cg(sixty + P"60", "sec")
time_secfrac = Cg(P"." * digit^1 / tonumber, "sec_frac")

local offset_sign = Cg(S"+-", "offset_sign")
local offset_hour = Cg(hour24 / tonumber, "offset_hour")
local offset_min  = Cg(sixty / tonumber, "offset_min")

timezone_offset = offset_sign * offset_hour * offset_min

local function zone(name, hours)
    return P(name) * Cg(Cc(hours > 0 and "+" or "-"), "offset_sign")
        * Cg(Cc(hours < 0 and -hours or hours), "offset_hour") * Cg(Cc(0), "offset_min")
end

local utc = Cg(Cc"+", "offset_sign") * Cg(Cc(0), "offset_hour") * Cg(Cc(0), "offset_min")

timezone = P"UTC" * utc
    + zone("PST", -8) + zone("PDT", -7)
    + zone("MST", -7) + zone("MDT", -6)
    + zone("CST", -6) + zone("CDT", -5)
    + zone("EST", -5) + zone("EDT", -4)
    + l.alpha^-5 * utc

rfc3339_time_numoffset = offset_sign * offset_hour * ":" * offset_min
rfc3339_time_offset    = P"Z" + rfc3339_time_numoffset
rfc3339_partial_time   = time_hour * ":" * time_minute * ":" * time_second * time_secfrac^-1
rfc3339_full_date      = date_fullyear * "-" * date_month * "-" * date_mday
rfc3339_full_time      = rfc3339_partial_time * rfc3339_time_offset
rfc3339                = Ct(rfc3339_full_date * "T" * rfc3339_full_time)

local clock = time_hour * ":" * time_minute * ":" * time_second

clf_timestamp = Ct(date_mday * "/" * date_mabbr * "/" * date_fullyear * ":" * clock * " " * timezone_offset)

rfc3164_timestamp = Ct(date_mabbr * P" "^1 * Cg(digit * digit^-1, "day") * P" "^1 * clock
    * Cg(P(true) / function() return os_date("%Y") end, "year"))

mysql_timestamp = Ct(date_fullyear * date_month * date_mday * time_hour * time_minute * time_second)
pgsql_timestamp = Ct(rfc3339_full_date * " " * clock)

local function one_of(list)
    local pattern = P(false)
    for _, name in ipairs(list) do
        pattern = pattern + name
    end
    return pattern
end

local century = os_date("%Y"):sub(1, 2)
local short_days = one_of{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
local long_days = one_of{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
local short_year = Cg(digit * digit / function(year) return century .. year end, "year")
local weeks = R"04" * digit + P"5" * R"03"
local year_day = R"02" * digit * digit + P"3" * R"05" * digit + P"36" * R"06"
local leap_second = Cg(sixty + P"6" * R"01", "sec")
local hour12 = Cg(P"0" * digit + P"1" * R"02", "hour")
local period = Cg(P"AM" + P"PM", "period")
local full_clock = time_hour * ":" * time_minute * ":" * leap_second
local us_date = date_month * "/" * date_mday * "/" * short_year

local specifiers = {
    a = short_days,
    A = long_days,
    b = date_mabbr,
    B = date_mfull,
    c = short_days * " " * date_mabbr * " " * date_mday_sp * " " * full_clock * " " * date_fullyear,
    C = digit * digit,
    d = date_mday,
    D = us_date,
    e = date_mday_sp,
    F = rfc3339_full_date,
    g = short_year,
    G = date_fullyear,
    h = date_mabbr,
    H = time_hour,
    I = hour12,
    j = year_day,
    k = Cg(P" " * digit + P"1" * digit + P"2" * R"03", "hour"),
    l = Cg(P" " * digit + P"1" * R"02", "hour"),
    m = date_month,
    M = time_minute,
    n = P"\n",
    p = period,
    r = hour12 * ":" * time_minute * ":" * leap_second * " " * period,
    R = time_hour * ":" * time_minute,
    s = Cg(digit^1 / tonumber, "time_t"),
    S = leap_second,
    t = P"\t",
    T = full_clock,
    u = R"17",
    U = weeks,
    V = P"0" * R"19" + R"14" * digit + P"5" * R"03",
    w = R"06",
    W = weeks,
    x = us_date,
    X = full_clock,
    y = short_year,
    Y = date_fullyear,
    z = timezone_offset,
    Z = timezone,
    ["%"] = P"%",
}

local function specifier(name)
    return specifiers[name] or error("unknown strftime specifier: " .. name)
end

local format_grammar = l.Cf((P"%" * C(P(1)) / specifier + C(P(1)) / P)^1, function(a, b) return a * b end) * -1

-- A pattern that gives the date table of a text in this strftime format.
function build_strftime_grammar(format)
    local grammar = format_grammar:match(format)
    if not grammar then error("could not parse the strftime format") end
    return Ct(grammar)
end

return M
