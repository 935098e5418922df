-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Watches that every host that ever sent a message still sends some. A host that is late is down, and there is an alert.

By the ticker a JSON text with the state of all hosts is sent; times in it are milliseconds since the epoch.

Config:

- heartbeat_timeout (uint, optional, default 30)
    Seconds without a message after which a host is down.

- alert_throttle (uint, optional, default 300)
    Seconds from an alert of a host to its next one.

*Example Heka Configuration*

.. code-block:: ini

    [heartbeat]
    type = "SandboxFilter"
    filename = "lua_filters/heartbeat.lua"
    ticker_interval = 30
    preserve_data = true
    message_matcher = "Type == 'heartbeat'"

    [heartbeat.config]
    heartbeat_timeout = 30
    alert_throttle = 300

*Example Output*

.. code-block:: json

    {"ip-10-0-0-187":{"last_heartbeat":1415311858257,"status":"up","last_alert":1415311856182}}
--]]

require "cjson"
local alert = require "alert"
local math  = require "math"

local timeout  = (read_config("heartbeat_timeout") or 30) * 1e3
local throttle = (read_config("alert_throttle") or 300) * 1e3

-- Each host has its own throttle.
alert.set_throttle(0)

-- Last message, status and last alert by host.
hosts = {}

function process_message()
    local name = read_message("Hostname")
    local time = math.floor(read_message("Timestamp") / 1e6)

    local host = hosts[name]
    if not host then
        host = {last_heartbeat = time, last_alert = 0, status = "up"}
        hosts[name] = host
    elseif time > host.last_heartbeat then
        host.last_heartbeat = time
    end
    return 0
end

function timer_event(ns)
    local now = math.floor(ns / 1e6)
    for name, host in pairs(hosts) do
        host.status = now - host.last_heartbeat > timeout and "down" or "up"
        if host.status == "down" and now - host.last_alert > throttle then
            host.last_alert = now
            alert.queue(0, "Missing Heartbeat - " .. name .. "\n")
        end
    end
    alert.send_queue(ns)
    inject_payload("json", "heartbeat", cjson.encode(hosts))
end
