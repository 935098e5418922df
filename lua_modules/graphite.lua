-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Lines of Graphite's text protocol, for what a statsd server collects.
--
-- ns_to_sec(ns)                                       whole seconds
-- count_rate(bucket, count, interval, now)            lines of a counter over an interval in seconds
-- multi_counts_rates(counts, interval, now)           the same of a table of counters by bucket
-- timeseries_metrics(bucket, times, interval, percentile, now)
--                                                     lines of an array of times; sorts it
-- multi_timeseries_metrics(timers, interval, percentile, now)
--                                                     the same of a table of arrays by bucket

local math  = require "math"
local table = require "table"
require "string"

local pairs = pairs
local floor, sort, concat, format = math.floor, table.sort, table.concat, string.format

local M = {}
setfenv(1, M)

function ns_to_sec(ns)
    return floor(ns / 1e9)
end

function count_rate(bucket, count, interval, now)
    local name = "stats.counters." .. bucket
    return format("%s.count %d %d\n%s.rate %f %d\n", name, count, now, name, count / interval, now)
end

function multi_counts_rates(counts, interval, now)
    local lines = {}
    for bucket, count in pairs(counts) do
        lines[#lines + 1] = count_rate(bucket, count, interval, now)
    end
    return concat(lines)
end

local function sum_of(times, last)
    local sum = 0
    for i = 1, last do
        sum = sum + times[i]
    end
    return sum
end

function timeseries_metrics(bucket, times, interval, percentile, now)
    sort(times)
    local count = #times
    local lower, upper, sum, mean = 0, 0, 0, 0
    local mean_percentile, upper_percentile = 0, 0

    if count > 0 then
        lower, upper = times[1], times[count]
        sum  = sum_of(times, count)
        mean = sum / count
        -- Half a time counts as one; of a single time all is within the percentile.
        local within = count > 1 and floor(percentile / 100 * count + 0.5) or 1
        if within > 0 then
            mean_percentile  = sum_of(times, within) / within
            upper_percentile = times[within]
        end
    end

    local name = "stats.timers." .. bucket
    local lines = {
        format("%s.count %d %d", name, count, now),
        format("%s.count_ps %f %d", name, count / interval, now),
        format("%s.lower %f %d", name, lower, now),
        format("%s.upper %f %d", name, upper, now),
        format("%s.sum %f %d", name, sum, now),
        format("%s.mean %f %d", name, mean, now),
        format("%s.mean_%d %f %d", name, percentile, mean_percentile, now),
        format("%s.upper_%d %f %d", name, percentile, upper_percentile, now),
    }
    return concat(lines, "\n") .. "\n"
end

function multi_timeseries_metrics(timers, interval, percentile, now)
    local lines = {}
    for bucket, times in pairs(timers) do
        lines[#lines + 1] = timeseries_metrics(bucket, times, interval, percentile, now)
    end
    return concat(lines)
end

return M
