-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- What the plugins that make InfluxDB's lines have in common.
--
-- config()   the configuration for ts_line_protocol.influxdb_line_msg, of the plugin's options

local ts_line_protocol = require "ts_line_protocol"

local read_config = read_config
local set_config = ts_line_protocol.set_config

local M = {}
setfenv(1, M)

function config()
    return set_config({
        decimal_precision     = read_config("decimal_precision"),
        name_prefix           = read_config("name_prefix"),
        name_prefix_delimiter = read_config("name_prefix_delimiter"),
        skip_fields_str       = read_config("skip_fields"),
        source_value_field    = read_config("source_value_field"),
        tag_fields_str        = read_config("tag_fields"),
        timestamp_precision   = read_config("timestamp_precision"),
        value_field_key       = read_config("value_field_key"),
    })
end

return M
