-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Finds the values of a header or field that come most often, in bounded memory: when there are too many different values, all
lose some weight and those without any are forgotten (the algorithm of Misra and Gries). A weight is never larger than the
real count.

Config:

- message_variable (string)
    The header or field, such as "Fields[remote_addr]".

- max_items (uint, optional, default 1000)
    How many values are kept.

- min_output_weight (uint, optional, default 100)
    Values of this weight and below are not put out.

- reset_days (uint, optional, default 1)
    Days after which counting starts anew.

*Example Heka Configuration*

.. code-block:: ini

    [FxaAuthServerFrequentIP]
    type = "SandboxFilter"
    filename = "lua_filters/frequent_items.lua"
    ticker_interval = 60
    preserve_data = true
    message_matcher = "Logger == 'nginx.access' && Type == 'fxa-auth-server'"

    [FxaAuthServerFrequentIP.config]
    message_variable = "Fields[remote_addr]"
    max_items = 10000
    min_output_weight = 100
    reset_days = 1
--]]

local math = require "math"
require "string"

local variable   = read_config("message_variable") or error("message_variable configuration must be specified")
local max_items  = read_config("max_items") or 1000
local min_weight = read_config("min_output_weight") or 100
local reset_days = read_config("reset_days") or 1

-- The weights by value, how many there are, and the day on which counting began.
items = {}
items_size = 0
active_day = 0

local function reset(day)
    items = {}
    items_size = 0
    active_day = day
end

local function weaken_all()
    for item, weight in pairs(items) do
        if weight == 1 then
            items[item] = nil
            items_size = items_size - 1
        else
            items[item] = weight - 1
        end
    end
end

function process_message()
    local item = read_message(variable)
    if item == nil then return -1 end

    local day = math.floor(read_message("Timestamp") / 86400e9)
    if day < active_day then return 0 end
    if day > active_day and day - active_day >= reset_days then reset(day) end

    local weight = items[item]
    if weight then
        items[item] = weight + 1
    elseif items_size < max_items then
        items[item] = 1
        items_size = items_size + 1
    else
        weaken_all()
    end
    return 0
end

function timer_event()
    add_to_payload(variable, "\tWeight\n")
    for item, weight in pairs(items) do
        if weight > min_weight then
            add_to_payload(string.format("%s\t%d\n", tostring(item), weight))
        end
    end
    inject_payload("tsv", "Weighting by " .. variable)
end
