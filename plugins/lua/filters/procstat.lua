-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Makes percentages of the counters of /proc/stat, as the decoder linux_procstat gives them: how busy each CPU was since the
message before. The result is a message of type "heka.sandbox.procstat" with a field for each, such as cpu0_percent.

Config:

- whitelist (string, optional, default nil)
    A Lua pattern; fields whose name it does not match are left out.

- extras (bool, optional, default false)
    Adds what the percentages are made of: cpu_delta_user and all other kinds of time, cpu_delta_ticks (their sum),
    cpu_percent_user, _nice, _system, _idle and _iowait; softirq_delta_1 and so on; and the change of each field with a single
    value, such as ctxt_delta.

- percent_integer (bool, optional, default true)
    Has no effect: percentages are whole numbers.

*Example Heka Configuration*

.. code-block:: ini

    [ProcStatFilter]
    type = "SandboxFilter"
    filename = "lua_filters/procstat.lua"
    message_matcher = "Type == 'stats.procstat'"

    [ProcStatFilter.config]
    whitelist = "^cpu"
    extras = false
--]]

local math = require "math"
require "string"

local whitelist = read_config("whitelist")
local extras    = read_config("extras")

local kinds = {"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guestnice"}
local IDLE, IOWAIT = 4, 5

-- The values of the message before, by field.
previous = nil

local function read_fields()
    local all = {}
    while true do
        local value_type, name, value, _, count = read_next_field()
        if not value_type then return all end

        if type(value) == "number" and (not whitelist or name:match(whitelist)) then
            local values = {value}
            for i = 2, count do
                values[i] = read_message("Fields[" .. name .. "]", 0, i - 1)
            end
            all[name] = values
        end
    end
end

local function percent(part, ticks)
    return math.ceil(part / ticks * 100 - 0.5)
end

local function add_cpu(fields, name, deltas)
    local ticks = 0
    for _, delta in ipairs(deltas) do
        ticks = ticks + delta
    end

    if extras then
        for i, delta in ipairs(deltas) do
            if kinds[i] then fields[name .. "_delta_" .. kinds[i]] = delta end
        end
        fields[name .. "_delta_ticks"] = ticks
    end
    if ticks <= 0 then return end

    if extras then
        for i = 1, IOWAIT do
            if deltas[i] then fields[name .. "_percent_" .. kinds[i]] = percent(deltas[i], ticks) end
        end
    end
    fields[name .. "_percent"] = percent(ticks - (deltas[IDLE] or 0), ticks)
end

local function add_changes(fields, name, values, before)
    local deltas = {}
    for i, value in ipairs(values) do
        deltas[i] = value - (before[i] or 0)
    end

    if name:match("^cpu") then
        add_cpu(fields, name, deltas)
    elseif extras and name == "softirq" then
        for i, delta in ipairs(deltas) do
            fields["softirq_delta_" .. i] = delta
        end
    elseif extras and #values == 1 then
        fields[name .. "_delta"] = deltas[1]
    end
end

function process_message()
    local current, before = read_fields(), previous
    previous = current
    if not before then return 0 end

    local fields = {}
    for name, values in pairs(current) do
        if before[name] then add_changes(fields, name, values, before[name]) end
    end
    inject_message({
        Type    = "procstat",
        Payload = read_message("Payload"),
        Fields  = fields,
    })
    return 0
end
