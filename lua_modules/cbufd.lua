-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- A pattern for the text of a circular buffer's delta.
--
-- grammar   gives a table: `header` is the JSON of the first line, then comes an array of rows; a row has its time in
--           nanoseconds as `time` and an array of its values, where "nan" is not a number

local l = require "lpeg"
l.locale(l)

local P, Cg, Ct = l.P, l.Cg, l.Ct
local tonumber = tonumber

local M = {}
setfenv(1, M)

local newline = P"\n"
local nan     = P"nan" / function() return 0 / 0 end
local number  = P"-"^-1 * l.digit^1 * ("." * l.digit^1)^-1 / tonumber
local time    = l.digit^1 / function(seconds) return seconds * 1e9 end

local header = Cg((1 - newline)^1, "header") * newline
local row    = Ct(Cg(time, "time") * ("\t" * (nan + number))^1) * newline

grammar = Ct(header * row^1) * -1

return M
