-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Messages as lines of time series protocols: one line for each value of each field.
--
-- set_config(options)          the options with the defaults and what is derived from them; for the functions below
-- carbon_line_msg(config)      an array of lines of Graphite's protocol: name, value and time
-- influxdb_line_msg(config)    an array of lines of InfluxDB 0.9: name and tags, value and time
--
-- A message with the header Logger "lg" and the fields cpu = 0.5 and disk = {1, 2} gives these lines, where the tags are
-- just the logger:
--
--     cpu 0.5 1443000002                               cpu,Logger=lg value=0.500000 1443000002000
--     disk 1 1443000002                                disk,Logger=lg value=1.000000 1443000002000
--     disk_vidx_1 2 1443000002                         disk_vidx_1,Logger=lg value=2.000000 1443000002000
--
-- The order of the lines means nothing. An encoder of Graphite's lines is not more than:
--
--     local ts_line_protocol = require "ts_line_protocol"
--     local config = ts_line_protocol.set_config({carbon_format = true, timestamp_precision = "s"})
--
--     function process_message()
--         local lines = ts_line_protocol.carbon_line_msg(config)
--         inject_payload("txt", "", table.concat(lines, "\n"), "\n")
--         return 0
--     end
--
-- Options:
--
-- carbon_format (bool, default false)
--     Field names become names of Graphite: what is no letter or digit is replaced by "_".
--
-- decimal_precision (string, default "6")
--     Digits after the decimal point of InfluxDB's numbers. The last call of set_config decides for all configurations.
--
-- name_prefix (string, default false)
--     Stands before the field name. Names in %{} are replaced as by msg_interpolate.
--
-- name_prefix_delimiter (string, default false)
--     Stands between the prefix and the field name.
--
-- skip_fields_str (string, default false)
--     Names of the fields to make no lines of, separated by spaces.
--
-- source_value_field (string, default false)
--     The only field to make a line of; the line's name is the prefix alone.
--
-- tag_fields_str (string, default "**all_base**")
--     Names of the headers and fields that become tags, separated by spaces. "**all_base**" are the headers Hostname,
--     Logger, Severity and Type, "**all**" are these and all fields.
--
-- timestamp_precision (string, default "ms")
--     Unit of the time: "ms", "s", "m" or "h".
--
-- value_field_key (string, default "value")
--     Name of the value in a line of InfluxDB.
--
-- Of two fields with one name the second is called name_fidx_1, the third name_fidx_2. The second value of a field is
-- called name_vidx_1, the third name_vidx_1_vidx_2.
--
-- Graphite gets the values whose text has only digits and dots. InfluxDB gets numbers and texts; a bool is an error. So is
-- for both a message without fields.

local l          = require "lpeg"
local field_util = require "field_util"
local mi         = require "msg_interpolate"
require "math"
require "string"
require "table"
l.locale(l)

local P, S, Cs = l.P, l.S, l.Cs
local decode_message, read_message = decode_message, read_message
local ipairs, pairs, tostring, type = ipairs, pairs, tostring, type
local find, format = string.find, string.format
local gsub, match = string.gsub, string.match

local M = {}
setfenv(1, M)

local number_format = "%.6f"

-- Spaces and commas of names and tags, and quotes of texts, get a backslash.
local escaped = Cs((S" ," / "\\%0" + 1)^0)
local quoted  = Cs((P'"' / '\\"' + 1)^0)

local defaults = {
    carbon_format         = false,
    decimal_precision     = "6",
    name_prefix           = false,
    name_prefix_delimiter = false,
    skip_fields_str       = false,
    source_value_field    = false,
    tag_fields_str        = "**all_base**",
    timestamp_precision   = "ms",
    value_field_key       = "value",
}

-- The result has all options, and beside them
--   interp_name_prefix                         whether the prefix has names to replace
--   skip_fields, skip_fields_all_base          the set of skip_fields_str; nil if there is nothing to skip
--   used_base_fields                           the headers in that set
--   used_tag_fields, tag_fields_all_base, tag_fields_all    the set of tag_fields_str and its two special names
function set_config(client_config)
    local config = {}
    for option, default in pairs(defaults) do
        local value = client_config[option]
        if value == nil then value = default end
        config[option] = value
    end

    config.interp_name_prefix = config.name_prefix and find(config.name_prefix, "%%{[%w%p]-}") and true or false

    if config.skip_fields_str then
        config.skip_fields, config.skip_fields_all_base = field_util.field_map(config.skip_fields_str)
        config.used_base_fields = field_util.used_base_fields(config.skip_fields)
    end

    config.used_tag_fields, config.tag_fields_all_base, config.tag_fields_all =
        field_util.field_map(client_config.tag_fields_str)

    number_format = "%." .. config.decimal_precision .. "f"
    return config
end

-- What the names of this message's lines begin with.
local function name_prefix(config)
    local prefix = config.name_prefix or ""
    if config.interp_name_prefix then
        prefix = mi.interpolate_from_msg(prefix) -- where it asks for a time, that is the time now
    end
    return prefix
end

-- Calls a function with each value of each field: the name of the field, the name that the value goes by, the value.
local function each_value(fields, carbon_format, visit)
    local seen = {}
    for _, field in ipairs(fields) do
        local name = field.name
        if carbon_format then name = gsub(name, "%W", "_") end
        local index = seen[name] or 0
        seen[name] = index + 1

        local value_name = name
        if index > 0 then value_name = name .. "_fidx_" .. index end
        for i, value in ipairs(field.value) do
            if i > 1 then value_name = value_name .. "_vidx_" .. i - 1 end
            visit(name, value_name, value)
        end
    end
end

-- One more tag as text.
local function tag(name, value)
    return "," .. escaped:match(name) .. "=" .. escaped:match(tostring(value))
end

-- The tags that are headers, in the order of the table.
local function header_tags(config)
    local tags = ""
    local every = config.tag_fields_all_base or config.tag_fields_all
    for name in pairs(field_util.base_fields_tag_list) do
        if every or config.used_tag_fields[name] then tags = tags .. tag(name, read_message(name)) end
    end
    return tags
end

-- The values of the message by name, where the last of a name wins, and the tags as text. The values of a message without
-- fields are -1: nobody can go through that.
local function points_and_tags(config, with_tags)
    local fields = decode_message(read_message("raw")).Fields
    if not fields then return -1 end

    local points = {}

    local tags = with_tags and header_tags(config)

    local source = config.source_value_field
    local prefix = name_prefix(config)
    if not source then prefix = prefix .. (config.name_prefix_delimiter or "") end

    each_value(fields, config.carbon_format, function(name, value_name, value)
        -- What is left out as a value can still be a tag
        -- or the one value that was asked for.
        if with_tags and (config.tag_fields_all or config.used_tag_fields[name]) then
            tags = tags .. tag(value_name, value)
        end

        if source then
            if source == name then points[prefix] = value end
        elseif not (config.skip_fields and config.skip_fields[name]) then
            points[prefix .. value_name] = value
        end
    end)
    return points, tags
end

-- One line:
--
--     <prefix><delimiter><name> <value> <time>
--
-- A value that is no plain number above zero has no line, as Graphite would not understand it.
function carbon_line_msg(config)
    local time = field_util.message_timestamp(config.timestamp_precision)
    local points = points_and_tags(config)
    local lines = {}
    for name, value in pairs(points) do
        value = tostring(value)
        if match(value, "^[%d.]+$") then
            lines[#lines + 1] = format("%s %s %d", name, value, time)
        end
    end
    return lines
end

-- One line:
--
--     <prefix><delimiter><name>[,<tag>=<value>...] <value_field_key>=<value> <time>
--
-- The tags of all lines of a message are the same: the headers first, then the fields in the message's order. A header that
-- is not set is still there, as an empty text or "nil". A space and a comma in a name, a tag or a tag's value have a
-- backslash before them, an equals sign has not.
function influxdb_line_msg(config)
    local time = field_util.message_timestamp(config.timestamp_precision)
    local points, tags = points_and_tags(config, true)
    local lines = {}
    for name, value in pairs(points) do
        local key = escaped:match(name) .. tags

        local text
        if type(value) == "number" then
            text = format(number_format, value)
        else
            -- What came as text stays text, even if there is a number in it: InfluxDB takes the type
            -- of a name's first value for good and refuses all others.
            --
            -- A bool has no form here. It is refused, as it is no text, and the script that wanted
            -- the lines ends: leave such fields out by skip_fields_str.
            text = '"' .. quoted:match(value) .. '"'
        end
        lines[#lines + 1] = format("%s %s=%s %d", key, config.value_field_key, text, time)
    end
    return lines
end

return M
