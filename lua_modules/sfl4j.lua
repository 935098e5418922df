-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- A pattern for events that SLF4J's simple Java loggers write:
--
--   WARN  [2014-06-26 20:59:01,142] com.example.Class: the message
--   ! java.lang.Exception: the stack trace
--
-- logevent_grammar   gives a table of severity, timestamp (ns), class, message and, if there is one, stacktrace

local l  = require "lpeg"
local dt = require "date_time"
l.locale(l)

local P, C, Cc, Cg, Ct = l.P, l.C, l.Cc, l.Cg, l.Ct

local M = {}
setfenv(1, M)

local level = P"TRACE" * Cc(7)
    + P"DEBUG" * Cc(7)
    + P"INFO" * Cc(6)
    + P"WARN" * Cc(4)
    + P"ERROR" * Cc(3)
    + P"FATAL" * Cc(0)

local newline = P"\n"
local clock   = dt.time_hour * ":" * dt.time_minute * ":" * dt.time_second
local millis  = Cg(P"," * C(l.digit * l.digit * l.digit) / function(ms) return ms / 1000 end, "sec_frac")
local time    = Ct(dt.rfc3339_full_date * " " * clock * millis) / dt.time_to_ns

local class = (1 - (P":" + newline))^1
local text  = (1 - newline)^0

logevent_grammar = Ct(Cg(level, "severity") * P" "^1 * "[" * Cg(time, "timestamp") * "]" * P" "^1
    * Cg(class, "class") * ":" * P" "^0 * Cg(text, "message")
    * (newline^1 * Cg(P(1)^1, "stacktrace"))^-1 * newline^-1) * -1

return M
