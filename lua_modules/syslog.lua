-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Grammars made of rsyslog's templates.
--
-- build_rsyslog_grammar(template)   a pattern that gives a table of the template's properties
-- severity                          a pattern for the name of a severity; gives its number
-- facility                          the same for facilities
--
-- A template has literal text and properties: %name%, %name:from:to% or %name:from:to:options%. Of the options the form of
-- a date and sp-if-no-1st-sp mean something here, from and to do not. The names are those of rsyslog in any case:
--
--   timestamp, timereported (both `timestamp`), timegenerated    nanoseconds since the epoch
--   pri                                                          {facility = number, severity = number}
--   pri-text                                                     number of the facility
--   syslogtag                                                    {programname = text, pid = number or nil}
--   syslogfacility, syslogseverity, syslogpriority, and the same with -text    numbers
--   structured-data                                              {id = text, _name = text for each parameter}
--   all others                                                   text
--
-- msg and rawmsg reach to the character that stands before them in the template or, behind a space, a property or nothing,
-- to the end of the line.

local l  = require "lpeg"
local dt = require "date_time"
local ip = require "ip_address"
local rfc3339 = require "rfc3339"
require "os"
require "string"
l.locale(l)

local P, R, S, C, Cc, Cg, Cs, Ct = l.P, l.R, l.S, l.C, l.Cc, l.Cg, l.Cs, l.Ct
local digit, space = l.digit, l.space
local error, ipairs, pairs, rawset, setmetatable, tonumber = error, ipairs, pairs, rawset, setmetatable, tonumber
local char, format, gmatch, lower, upper = string.char, string.format, string.gmatch, string.lower, string.upper
local os_date = os.date

local M = {}
setfenv(1, M)

-- Numbers -----------------------------------------------------------------------------------------------------------------

-- A pattern for names in lower or in upper case. Names are tried in the order of the list.
local function numbers_of(list)
    local pattern = P(false)
    for _, entry in ipairs(list) do
        local name, number = entry[1], entry[2]
        pattern = pattern + (P(name) + upper(name)) * Cc(number)
    end
    return pattern
end

-- Of an empty text as priority there is no number, and that is an error.
local priority_number = digit^-3 / tonumber / function(pri)
    return {facility = (pri - pri % 8) / 8, severity = pri % 8}
end

severity = numbers_of{
    {"debug", 7}, {"info", 6}, {"notice", 5}, {"warning", 4}, {"warn", 4}, {"error", 3}, {"err", 3}, {"crit", 2},
    {"alert", 1}, {"emerg", 0}, {"panic", 0},
}

-- "authpriv" is found by its beginning.
facility = numbers_of{
    {"kern", 0}, {"user", 1}, {"mail", 2}, {"daemon", 3}, {"auth", 4}, {"security", 4}, {"syslog", 5}, {"lpr", 6},
    {"news", 7}, {"uucp", 8}, {"cron", 9}, {"ftp", 11}, {"ntp", 12}, {"audit", 13}, {"alert", 14}, {"clock", 15},
    {"local0", 16}, {"local1", 17}, {"local2", 18}, {"local3", 19}, {"local4", 20}, {"local5", 21}, {"local6", 22},
    {"local7", 23},
}

local facility_number = digit * digit^-1 / tonumber
local severity_number = R"07" / tonumber
local priority_text   = facility * "." * severity * "<" * digit^1 * ">"

-- Times -------------------------------------------------------------------------------------------------------------------

-- Lines come by the thousand in a second: the text of a second that was seen before is not read again. All is forgotten
-- when there are many texts and, as a time of RFC 3164 has no year, in another year.
local function remembered(grammar)
    local count, year = 0, nil
    return setmetatable({}, {__index = function(times, text)
        local this_year = os_date("%Y")
        if count >= 64 or year ~= this_year then
            for known in pairs(times) do times[known] = nil end
            count, year = 0, this_year
        end
        local ns = dt.time_to_ns(grammar:match(text))
        count = count + 1
        rawset(times, text, ns)
        return ns
    end})
end

local sixty = R"05" * digit
local clock = (R"01" * digit + P"2" * R"03") * ":" * sixty * ":" * (sixty + P"60")

local months = P"Jan" + "Feb" + "Mar" + "Apr" + "May" + "Jun" + "Jul" + "Aug" + "Sep" + "Oct" + "Nov" + "Dec"
local rfc3164 = months * P" "^1 * digit * digit^-1 * P" "^1 * clock / remembered(dt.rfc3164_timestamp)

-- A template may have the last two forms, but date_time takes no number for a date: a line ends in its error.
local dates = {
    ["date-rfc3164"]          = rfc3164,
    ["date-rfc3164-buggyday"] = rfc3164,
    ["date-rfc3339"]          = rfc3339.ns,
    ["date-mysql"]            = dt.mysql_timestamp / dt.time_to_ns,
    ["date-pgsql"]            = dt.pgsql_timestamp / dt.time_to_ns,
    ["date-unixtimestamp"]    = digit^1 / dt.time_to_ns,
    ["date-subseconds"]       = digit^1 / dt.time_to_ns,
}

-- Texts -------------------------------------------------------------------------------------------------------------------

local word         = C((1 - space)^0)
local dash_or_word = C(P"-" + (1 - space)^1)
local program      = (1 - (space + S":["))^0

local tag = Ct(Cg(program, "programname") * (P"[" * Cg(digit^1 / tonumber, "pid") * "]")^-1) * P":"^-1

local param_text  = Cs((P"\\" * C(S'"\\]') / "%1" + (1 - S'"]'))^0)
local param_name  = C((1 - (space + S'="]'))^1) / "_%0"
local param       = Cg(space * param_name * '="' * param_text * '"')
local structured  = P"-" * Ct""
    + l.Cf(P"[" * Ct"" * Cg(Cc"id" * C((1 - (space + S'="]'))^0)) * param^0, rawset) * "]"

local year  = digit * digit * digit * digit
local month = P"0" * R"19" + P"1" * R"02"
local day   = P"0" * R"19" + R"12" * digit + P"3" * R"01"
local hour  = R"01" * digit + P"2" * R"03"

local properties = {
    hostname             = word,
    source               = word,
    fromhost             = word,
    ["fromhost-ip"]      = C(ip.v4 + ip.v6),
    programname          = C(program),
    syslogtag            = tag,
    pri                  = priority_number,
    ["pri-text"]         = priority_text,
    iut                  = C(digit^1),
    syslogfacility       = facility_number,
    syslogseverity       = severity_number,
    syslogpriority       = severity_number,
    ["protocol-version"] = C(digit^1),
    ["structured-data"]  = structured,
    ["app-name"]         = dash_or_word,
    procid               = dash_or_word,
    msgid                = dash_or_word,
    inputname            = word,
    ["$bom"]             = C(P"\239\187\191"),
    ["$now"]             = C(year * "-" * month * "-" * day),
    ["$year"]            = C(year),
    ["$month"]           = C(month),
    ["$day"]             = C(day),
    ["$hour"]            = C(hour),
    ["$hhour"]           = C(P"0" * R"01"),
    ["$qhour"]           = C(P"0" * R"03"),
    ["$minute"]          = C(sixty),
    ["syslogfacility-text"] = facility,
    ["syslogseverity-text"] = severity,
    ["syslogpriority-text"] = severity,
}

local to_the_end = {msg = true, rawmsg = true}
local times      = {timestamp = "timestamp", timereported = "timestamp", timegenerated = "timegenerated"}

-- Templates ---------------------------------------------------------------------------------------------------------------

local last_literal -- the character before the part of the template that is to be read

local function literal(text)
    last_literal = text
    return P(text)
end

local function one_space()
    last_literal = nil
    return space
end

local function date(options)
    for option in gmatch(options, "[^,]+") do
        if dates[option] then return dates[option] end
    end
    return rfc3164
end

local function property(name, option)
    local terminator = last_literal or "\n"
    last_literal = nil
    name, option = lower(name), lower(option)

    if name == "msg" and option == "sp-if-no-1st-sp" then return P" "^1 end
    if to_the_end[name] then return Cg((1 - P(terminator))^0, name) end

    local key = times[name]
    if key then return Cg(date(option), key) end

    local pattern = properties[name]
    if not pattern then error(format("invalid rsyslog property: '%s'", name)) end
    return Cg(pattern, name)
end

local escapes = {a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v"}

local part     = (1 - S":%")^0
local range    = (P":" * part)^-2
local options  = P":" * C(part) + Cc""
local names    = C((l.alnum + S"$-_")^1)
local template = P"%" * names * range * options * "%" / property
    + P"\\" * C(digit * digit * digit) / function(code) return literal(char(code)) end
    + P"\\" * C(S"abfnrtv") / function(letter) return literal(escapes[letter]) end
    + P"\\" * C(S"\\\"'%") / literal
    + space / one_space
    + C(1) / literal

local grammar = l.Cf(template^1, function(a, b) return a * b end) * -1

-- A pattern for the lines that rsyslog writes by this template. What follows the template in a line does not matter.
function build_rsyslog_grammar(text)
    last_literal = nil
    local pattern = grammar:match(text)
    if not pattern then error("could not parse the rsyslog template") end
    return Ct(pattern)
end

return M
