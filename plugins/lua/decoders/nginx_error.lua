-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses the error log of nginx, whose format is fixed.

Config:

- tz (string, optional, default UTC)
    Time zone of the log, such as "America/Los_Angeles".

- type (string, optional, default "nginx.error")
    The message's Type.

- payload_keep (bool, optional, default false)
    Keeps the whole log line as the message's Payload, not just its text.

*Example Heka Configuration*

.. code-block:: ini

    [NginxErrorLogDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/nginx_error.lua"

    [NginxErrorLogDecoder.config]
    tz = "America/Los_Angeles"
--]]

local clf = require "common_log_format"

local msg_type     = read_config("type") or "nginx.error"
local payload_keep = read_config("payload_keep")

function process_message()
    local line = read_message("Payload")
    local msg = clf.nginx_error_grammar:match(line)
    if not msg then return -1 end

    msg.Type = msg_type
    if payload_keep then msg.Payload = line end
    inject_message(msg)
    return 0
end
