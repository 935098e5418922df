-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- What filters that draw a graph have in common: the options rows, sec_per_row and anomaly_config, and the payload of a
-- circular buffer with its annotations.
--
-- new(title, names, unit, aggregation, seconds_per_row)
--     A circular buffer with a column for each name, as long as the option rows says (1440 unless set). The seconds of a row
--     are those of the option sec_per_row (60 unless set) if they are not given. Annotations are kept as long.
-- number(name)
--     The value of the message's field if it is a number, else nil.
-- set_row(cbuf, names, value_of)
--     Sets the columns at the message's time to the fields of their names, or to what value_of, if given, says of a name.
--     Gives the result of process_message: -1 at the first name without a value, where the columns before are set.
-- config()
--     The option anomaly_config of the plugin, read; nil if it is not set.
-- prune(title, cbuf)
--     Keeps annotations as long as the buffer has rows.
-- emit(ns, title, cbuf, config)
--     Looks for anomalies, sends an alert if there is one, and injects the buffer.

local circular_buffer = require "circular_buffer"
local alert      = require "alert"
local annotation = require "annotation"
local anomaly    = require "anomaly"

local inject_payload, read_config, read_message = inject_payload, read_config, read_message
local ipairs, type = ipairs, type

local M = {}
setfenv(1, M)

function config()
    return anomaly.parse_config(read_config("anomaly_config"))
end

function prune(title, cbuf)
    local rows, _, seconds_per_row = cbuf:get_configuration()
    annotation.set_prune(title, rows * seconds_per_row * 1e9)
end

function new(title, names, unit, aggregation, seconds_per_row)
    local rows = read_config("rows") or 1440
    local cbuf = circular_buffer.new(rows, #names, seconds_per_row or read_config("sec_per_row") or 60)
    for column, name in ipairs(names) do
        cbuf:set_header(column, name, unit, aggregation)
    end
    prune(title, cbuf)
    return cbuf
end

function number(name)
    local value = read_message("Fields[" .. name .. "]")
    return type(value) == "number" and value or nil
end

function set_row(cbuf, names, value_of)
    local ns = read_message("Timestamp")
    value_of = value_of or number
    for column, name in ipairs(names) do
        local value = value_of(name)
        if not value then return -1 end
        cbuf:set(ns, column, value)
    end
    return 0
end

function emit(ns, title, cbuf, config)
    if not config then
        inject_payload("cbuf", title, cbuf)
        return
    end

    if not alert.throttled(ns) then
        local msg, annotations = anomaly.detect(ns, title, cbuf, config)
        if msg then
            annotation.concat(title, annotations)
            alert.send(ns, msg)
        end
    end
    inject_payload("cbuf", title, annotation.prune(title, ns) or "", cbuf)
end

return M
