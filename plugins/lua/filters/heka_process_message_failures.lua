-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Watches how often Heka's plugins fail to process a message, as the messages of type "heka.all-report" say, and sends an alert
if there is an anomaly: at most one in an hour for a plugin.

Config:

- anomaly_config (string, optional, default `mww_nonparametric("DEFAULT", 1, 5, 10, 0.7)`)
    What anomalies to look for, as the anomaly module describes. The name is that of the plugin; what is said of "DEFAULT"
    goes for all plugins that have nothing of their own.

*Example Heka Configuration*

.. code-block:: ini

    [HekaProcessMessageFailures]
    type = "SandboxFilter"
    filename = "lua_filters/heka_process_message_failures.lua"
    ticker_interval = 60
    preserve_data = false
    message_matcher = "Type == 'heka.all-report'"
--]]

require "circular_buffer"
require "cjson"
local alert   = require "alert"
local anomaly = require "anomaly"

local HOUR = 3600 * 1e9

local config = anomaly.parse_config(
    read_config("anomaly_config") or 'mww_nonparametric("DEFAULT", 1, 5, 10, 0.7)')

-- Each plugin has its own throttle.
alert.set_throttle(0)

-- The failures and the time of the last alert by plugin.
plugins = {}

-- The anomaly module keeps what it knows of a graph in its configuration: each plugin needs one.
local configs = {}

local function config_of(name)
    local own = configs[name]
    if not own then
        local copy = {}
        for i, call in ipairs(config[name] or config.DEFAULT or {}) do
            copy[i] = call
        end
        own = {[name] = copy}
        configs[name] = own
    end
    return own
end

local function add(ns, name, failures)
    local plugin = plugins[name]
    if not plugin then
        plugin = {last_alert = 0, data = circular_buffer.new(60, 1, 60)}
        plugin.data:set_header(1, "Failures", "count", "max")
        plugins[name] = plugin
    end
    plugin.data:set(ns, 1, failures)
end

function process_message()
    local ok, report = pcall(cjson.decode, read_message("Payload"))
    if not ok or type(report) ~= "table" then return -1 end

    local ns = read_message("Timestamp")
    for section, entries in pairs(report) do
        if type(entries) ~= "table" then return -1, "invalid entry in section " .. section end
        for _, entry in ipairs(entries) do
            if type(entry) ~= "table" then return -1, "invalid entry in section " .. section end
            if not entry.Name then return -1, "missing plugin Name" end

            local failures = entry.ProcessMessageFailures
            if type(failures) == "table" and type(failures.value) == "number" then
                add(ns, entry.Name, failures.value)
            end
        end
    end
    return 0
end

function timer_event(ns)
    for name, plugin in pairs(plugins) do
        local msg = anomaly.detect(ns, name, plugin.data, config_of(name))
        if msg and ns - plugin.last_alert > HOUR then
            plugin.last_alert = ns
            alert.queue(0, msg)
        end
    end
    alert.send_queue(ns)
end
