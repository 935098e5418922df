-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Detection of anomalies in the columns of circular buffers.
--
-- parse_config(text)            the configuration as a table, by payload name; nil of nil
-- detect(ns, name, cbuf, cfg)   runs what the configuration has for this name, at most once in the time of a row. Returns
--                               a text for an alert and an array of annotations, or nothing if all is as usual.
--
-- A configuration is a list of calls, with spaces between them. The first argument of each is the payload name in quotes (a
-- quote in it is doubled), the second one the column, the third one `win`, how many rows a window has. The newest row is in
-- no window, since it is not complete.
--
-- roc("name", col, win, hwin, sd, loss_of_data, start_of_data)
--     Rate of change: the means of the last two windows differ by more than `sd` standard deviations of the `hwin` rows
--     before them (0: of all rows). With loss_of_data or start_of_data being true also an empty window after data, or
--     data after an empty window.
--
-- mww("name", col, win, nwin, pvalue, trend)
--     Mann-Whitney-Wilcoxon test: of the `nwin` windows more than a quarter differs from the last one with a probability
--     below `pvalue`. The trend is decreasing, increasing or any.
--
-- mww_nonparametric("name", col, win, nwin, pstat)
--     The same test without the assumption of a normal distribution. The mean of the statistic is beyond `pstat`: above it
--     if that is more than 0.5 (the values rise), else below it.

local l          = require "lpeg"
local annotation = require "annotation"
local math       = require "math"
local table      = require "table"
require "string"
l.locale(l)

local P, C, Cc, Cg, Cs, Ct = l.P, l.C, l.Cc, l.Cg, l.Cs, l.Ct
local digit, space = l.digit, l.space
local error, ipairs, tonumber = error, ipairs, tonumber
local abs, concat, format, create = math.abs, table.concat, string.format, annotation.create

local M = {}
setfenv(1, M)

-- Configuration -----------------------------------------------------------------------------------------------------------

local name    = P'"' * Cg(Cs((P'""' / '"' + (1 - P'"'))^0), "name") * '"'
local integer = digit^1 / tonumber
local decimal = digit^1 * ("." * digit^1)^-1 / tonumber
local pstat   = P"0" * ("." * digit^1)^-1 / tonumber
local bool    = P"true" * Cc(true) + P"false" * Cc(false)
local trend   = C(P"decreasing" + "increasing" + "any")

local function argument(key, pattern)
    return "," * space^0 * Cg(pattern, key)
end

local function call(algorithm, arguments)
    return Ct(P(algorithm) * Cg(Cc(algorithm), "algorithm") * "(" * name * argument("col", integer)
        * argument("win", integer) * arguments * ")")
end

local calls = call("roc", argument("hwin", integer) * argument("sd", decimal) * argument("loss_of_data", bool)
        * argument("start_of_data", bool))
    + call("mww_nonparametric", argument("nwin", integer) * argument("pstat", pstat))
    + call("mww", argument("nwin", integer) * argument("pvalue", decimal) * argument("trend", trend))

local grammar = Ct((space^0 * calls)^1) * -1

function parse_config(text)
    if not text then return nil end

    local found = grammar:match(text)
    if not found then error("could not parse the anomaly_config") end

    local by_name = {}
    for _, cfg in ipairs(found) do
        local list = by_name[cfg.name] or {}
        by_name[cfg.name] = list
        list[#list + 1] = cfg
        cfg.name = nil
    end
    return by_name
end

-- Algorithms --------------------------------------------------------------------------------------------------------------
-- Each gets the buffer and says in words what is unusual, or nothing. `step` is the time of a row in nanoseconds.

-- The time of the first and the last row of `count` rows that end `back` rows before the newest one.
local function window(newest, step, count, back)
    return newest - (back + count - 1) * step, newest - back * step
end

local algorithms = {}

function algorithms.roc(cbuf, cfg, fail)
    local rows, _, seconds_per_row = cbuf:get_configuration()
    local win, hwin, step, newest = cfg.win, cfg.hwin, seconds_per_row * 1e9, cbuf:current_time()
    if 3 * win >= rows or hwin > 0 and hwin < win then
        fail(format("win=%d hwin=%d arguments out of range (rows=%d)", win, hwin, rows))
    end

    local history = rows - 1 - 2 * win
    if hwin > 0 and hwin < history then history = hwin end

    local current, current_rows   = cbuf:compute("avg", cfg.col, window(newest, step, win, 1))
    local previous, previous_rows = cbuf:compute("avg", cfg.col, window(newest, step, win, win + 1))
    local sd = cbuf:compute("sd", cfg.col, window(newest, step, history, 2 * win + 1))

    if current_rows == 0 then
        if cfg.loss_of_data and previous_rows > 0 then return "no new data" end
    elseif previous_rows == 0 then
        if cfg.start_of_data then return "unexpected data" end
    elseif abs(current - previous) > cfg.sd * sd then
        return format("detected anomaly, standard deviation exceeds %G", cfg.sd)
    end
end

-- Compares the last window with those before it: `visit` gets the test's results and the times of the window.
local function each_window(cbuf, cfg, fail, visit)
    local rows, _, seconds_per_row = cbuf:get_configuration()
    local win, nwin, step, newest = cfg.win, cfg.nwin, seconds_per_row * 1e9, cbuf:current_time()
    if win * nwin >= rows then fail("arguments out of range") end

    local first, last = window(newest, step, win, 1)
    for i = 1, nwin - 2 do
        local other_first, other_last = window(newest, step, win, i * win + 1)
        local u, p = cbuf:mannwhitneyu(cfg.col, first, last, other_first, other_last)
        if u then visit(u, p, other_first, other_last) end
    end
    return first, last
end

function algorithms.mww(cbuf, cfg, fail)
    local count, others = 0, {}
    local first, last = each_window(cbuf, cfg, fail, function(_, p, other_first, other_last)
        if p < cfg.pvalue then others[#others + 1] = cbuf:compute("avg", cfg.col, other_first, other_last) end
    end)

    local mean = cbuf:compute("avg", cfg.col, first, last)
    for _, other in ipairs(others) do
        if cfg.trend == "any" or cfg.trend == "increasing" and mean > other
            or cfg.trend == "decreasing" and mean < other then
            count = count + 1
        end
    end

    if count > cfg.nwin / 4 then
        if cfg.trend == "any" then return "detected anomaly" end
        return format("detected anomaly, %s values", cfg.trend)
    end
end

function algorithms.mww_nonparametric(cbuf, cfg, fail)
    local sum, pairs_of_rows = 0, cfg.win * cfg.win
    each_window(cbuf, cfg, fail, function(u)
        sum = sum + u / pairs_of_rows - 0.5
    end)

    local pstat = sum / (cfg.nwin - 1) + 0.5
    local limit = cfg.pstat
    if limit > 0.5 and pstat > limit or limit < 0.5 and pstat < limit then
        return format("detected anomaly, pstat: %G", pstat)
    end
end

function detect(ns, name, cbuf, cfg)
    local list = cfg[name]
    if not list then return end

    if not cbuf:get(ns, 1) then cbuf:add(ns, 1, 0 / 0) end

    if not list.interval then
        local _, _, seconds_per_row = cbuf:get_configuration()
        list.interval = seconds_per_row * 1e9
    end
    if list.last_run and ns - list.last_run < list.interval then return end
    list.last_run = ns

    local msgs, annotations = {}, {}
    for _, one in ipairs(list) do
        local function message(text)
            return format("%s - algorithm: %s col: %d msg: %s", name, one.algorithm, one.col, text)
        end

        local text = algorithms[one.algorithm](cbuf, one, function(reason) error(message(reason)) end)
        if text then
            msgs[#msgs + 1] = message(text)
            annotations[#annotations + 1] = create(cbuf:current_time(), one.col, "A", text)
        end
    end
    if #msgs > 0 then return concat(msgs, "\n"), annotations end
end

return M
