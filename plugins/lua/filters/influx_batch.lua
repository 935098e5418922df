-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Makes lines of the protocol of InfluxDB 0.9 of messages, as the encoder schema_influx_line does, and collects them: a message
has the lines of many.

The lines are kept in the plugin's output buffer: output_limit has to be larger than a batch.

Config:

- decimal_precision (string, optional, default "6")
    Digits after the decimal point of numbers.

- name_prefix (string, optional, default nil)
    Stands before the names. In it names of headers and fields in %{} are replaced.

- name_prefix_delimiter (string, optional, default nil)
    Stands between the prefix and the name.

- skip_fields (string, optional, default nil)
    Names of fields to make no lines of, separated by spaces. They can still be tags.

- source_value_field (string, optional, default nil)
    The only field to make a line of. The line's name is the prefix.

- tag_fields (string, optional, default "**all_base**")
    Names of headers and fields that become tags, separated by spaces. "**all_base**" are the headers Hostname, Logger,
    Severity and Type, "**all**" are these and all fields.

- timestamp_precision (string, optional, default "ms")
    Unit of the time: "ms", "s", "m" or "h". The URL of the output has to say the same.

- value_field_key (string, optional, default "value")
    Name of the value in the lines.

- flush_count (string or int, optional, default 0)
    Sends the lines when they are of so many messages; 0 sends them by the ticker only.

*Example Heka Configuration*

.. code-block:: ini

    [LinuxStatsFilter]
    type = "SandboxFilter"
    filename = "lua_filters/influx_batch.lua"
    message_matcher = "Type =~ /^stats/"
    ticker_interval = 10
    output_limit = 1000000

    [LinuxStatsFilter.config]
    skip_fields = "FilePath"
    timestamp_precision = "s"
    flush_count = 1000

    [PayloadEncoder]

    [InfluxDB]
    type = "HttpOutput"
    message_matcher = "Fields[payload_name] == 'influx_line'"
    encoder = "PayloadEncoder"
    address = "http://influxdbserver.example.com:8086/write?db=mydb&precision=s"
--]]

local influx_line      = require "influx_line"
local table            = require "table"
local ts_line_protocol = require "ts_line_protocol"

local flush_count = tonumber(read_config("flush_count")) or 0
local config = influx_line.config()

local count = 0

local function flush()
    count = 0
    inject_payload("txt", "influx_line")
end

function process_message()
    local lines = ts_line_protocol.influxdb_line_msg(config)
    add_to_payload(table.concat(lines, "\n"), "\n")

    count = count + 1
    if flush_count > 0 and count >= flush_count then flush() end
    return 0
end

function timer_event()
    flush()
end
