-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses the page of nginx's stub status module, fetched by an HttpInput for example.

Fields: connections, accepts, handled, requests, reading, writing, waiting.

Config:

- type (string, optional, default "nginx_stub_status")
    The message's Type.

- payload_keep (bool, optional, default false)
    Keeps the page as the message's Payload.

*Example Heka Configuration*

.. code-block:: ini

    [NginxStubStatus]
    type = "HttpInput"
    url = "http://localhost:8090/nginx_status"
    ticker_interval = 60
    decoder = "NginxStubStatusDecoder"

    [NginxStubStatusDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/nginx_stub_status.lua"
--]]

local l = require "lpeg"
l.locale(l)

local payload_keep = read_config("payload_keep")

local msg = {
    Type    = read_config("type") or "nginx_stub_status",
    Payload = nil,
    Fields  = nil,
}

local blanks = l.space^0

local function number(name)
    return blanks * l.Cg(l.digit^1 / tonumber, name)
end

local grammar = l.Ct(
    l.P"Active connections:" * number("connections")
    * blanks * "server accepts handled requests"
    * number("accepts") * number("handled") * number("requests")
    * blanks * "Reading:" * number("reading")
    * blanks * "Writing:" * number("writing")
    * blanks * "Waiting:" * number("waiting")
)

function process_message()
    local page = read_message("Payload")
    local fields = grammar:match(page)
    if not fields then return -1 end

    if payload_keep then msg.Payload = page end
    msg.Fields = fields
    inject_message(msg)
    return 0
end
