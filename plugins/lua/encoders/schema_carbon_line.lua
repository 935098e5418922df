-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Makes lines of Graphite's plain text protocol of a message: one for each value of each field that is a number or a text of
digits and dots. The time of the lines is the message's, in seconds.

Of two fields with one name the second is called name_fidx_1. The second value of a field is called name_vidx_1, the third
name_vidx_1_vidx_2. What is no letter or digit in a field name is replaced by "_". A message without fields is an error.

Config:

- name_prefix (string, optional, default nil)
    Stands before the names. In it names of headers and fields in %{} are replaced.

- name_prefix_delimiter (string, optional, default ".")
    Stands between the prefix and the name, also if there is no prefix.

- skip_fields (string, optional, default nil)
    Names of fields to leave out, separated by spaces.

- source_value_field (string, optional, default nil)
    The only field to make a line of. The line's name is the prefix.

*Example Heka Configuration*

.. code-block:: ini

    [LinuxStatsEncoder]
    type = "SandboxEncoder"
    filename = "lua_encoders/schema_carbon_line.lua"

    [LinuxStatsEncoder.config]
    name_prefix = "dev.%{Hostname}.%{Type}"
    skip_fields = "FilePath"

    [CarbonLines]
    type = "TcpOutput"
    message_matcher = "Type =~ /^stats/"
    address = "localhost:2003"
    encoder = "LinuxStatsEncoder"
    use_framing = false

*Example Output*

.. code-block:: text

    dev.myhost.stats.loadavg.1MinAvg 0.12 1434932024
    dev.myhost.stats.loadavg.15MinAvg 0.18 1434932024
    dev.myhost.stats.loadavg.5MinAvg 0.11 1434932024
--]]

local table = require "table"
local ts_line_protocol = require "ts_line_protocol"

local config = ts_line_protocol.set_config({
    carbon_format         = true,
    name_prefix           = read_config("name_prefix"),
    name_prefix_delimiter = read_config("name_prefix_delimiter") or ".",
    skip_fields_str       = read_config("skip_fields"),
    source_value_field    = read_config("source_value_field"),
    timestamp_precision   = "s",
})

function process_message()
    local lines = ts_line_protocol.carbon_line_msg(config)
    inject_payload("txt", "carbon_line", table.concat(lines, "\n"), "\n")
    return 0
end
