-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Alerts: payloads of type "alert", at most one in a while.
--
-- queue(ns, msg)     keeps a text for send_queue; false if it is empty or alerts are throttled
-- send(ns, msg)      sends a text at once; false as above
-- send_queue(ns)     sends all kept texts, a line each, and forgets them, even if alerts are throttled by now
-- set_throttle(ns)   the least time between two alerts, an hour unless set
-- throttled(ns)      whether an alert would be held back at this time; never at the time 0
--
-- The time of the last alert is the global _LAST_ALERT, in nanoseconds, so a plugin that preserves its data keeps it.

local table = require "table"

_LAST_ALERT = 0

local M = {}

local throttle = 3600 * 1e9
local queued

function M.throttled(ns)
    if ns == 0 then return false end
    return ns - _LAST_ALERT <= throttle
end

function M.set_throttle(ns)
    throttle = ns
end

local function refused(ns, msg)
    return not msg or msg == "" or M.throttled(ns)
end

function M.send(ns, msg)
    if refused(ns, msg) then return false end

    inject_payload("alert", "", msg)
    if ns > _LAST_ALERT then _LAST_ALERT = ns end
    return true
end

function M.queue(ns, msg)
    if refused(ns, msg) then return false end

    queued = queued or {}
    queued[#queued + 1] = msg
    return true
end

function M.send_queue(ns)
    if not queued then return false end

    local msg = table.concat(queued, "\n")
    queued = nil
    return M.send(ns, msg)
end

return M
