-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- What filters that draw a graph have in common: the option anomaly_config, and the payload of a circular buffer with its
-- annotations.
--
-- config()                       the option anomaly_config of the plugin, read; nil if it is not set
-- prune(title, cbuf)             keeps annotations as long as the buffer has rows
-- emit(ns, title, cbuf, config)  looks for anomalies, sends an alert if there is one, and injects the buffer

local alert      = require "alert"
local annotation = require "annotation"
local anomaly    = require "anomaly"

local inject_payload, read_config = inject_payload, read_config

local M = {}
setfenv(1, M)

function config()
    return anomaly.parse_config(read_config("anomaly_config"))
end

function prune(title, cbuf)
    local rows, _, seconds_per_row = cbuf:get_configuration()
    annotation.set_prune(title, rows * seconds_per_row * 1e9)
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
