-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Makes lines of the protocol of InfluxDB 0.9 of a message: one for each value of each field that is a number or a text.

Of two fields with one name the second is called name_fidx_1. The second value of a field is called name_vidx_1, the third
name_vidx_1_vidx_2. A message without fields and a field that is a bool are errors.

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

*Example Heka Configuration*

.. code-block:: ini

    [LinuxStatsEncoder]
    type = "SandboxEncoder"
    filename = "lua_encoders/schema_influx_line.lua"

    [LinuxStatsEncoder.config]
    skip_fields = "FilePath NumProcesses"
    tag_fields = "Hostname Environment"
    timestamp_precision = "s"

    [InfluxDB]
    type = "HttpOutput"
    message_matcher = "Type =~ /^stats/"
    encoder = "LinuxStatsEncoder"
    address = "http://influxdbserver.example.com:8086/write?db=mydb&precision=s"
    username = "influx_username"
    password = "influx_password"

*Example Output*

.. code-block:: text

    5MinAvg,Hostname=myhost value=0.110000 1434932024
    1MinAvg,Hostname=myhost value=0.110000 1434932024
--]]

local influx_line      = require "influx_line"
local table            = require "table"
local ts_line_protocol = require "ts_line_protocol"

local config = influx_line.config()

function process_message()
    local lines = ts_line_protocol.influxdb_line_msg(config)
    inject_payload("txt", "influx_line", table.concat(lines, "\n"), "\n")
    return 0
end
