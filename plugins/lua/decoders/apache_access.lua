-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses the access log of Apache by its 'LogFormat' configuration directive.

Config:

- log_format (string)
    The directive of apache2.conf. Each part becomes a message field; %t becomes the message's Timestamp.

- type (string, optional, default nil)
    The message's Type.

- user_agent_transform (bool, optional, default false)
    Adds the fields user_agent_browser, user_agent_version and user_agent_os, made of http_user_agent.

- user_agent_keep (bool, optional, default false)
    Keeps http_user_agent when it was transformed.

- user_agent_conditional (bool, optional, default false)
    Keeps http_user_agent only if the browser was not recognized.

- payload_keep (bool, optional, default false)
    Keeps the log line as the message's Payload.

*Example Heka Configuration*

.. code-block:: ini

    [TestWebserver]
    type = "LogstreamerInput"
    log_directory = "/var/log/apache"
    file_match = 'access\.log'
    decoder = "CombinedLogDecoder"

    [CombinedLogDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/nginx_access.lua"

    [CombinedLogDecoder.config]
    type = "combined"
    user_agent_transform = true
    log_format = '%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"'
--]]

local clf = require "common_log_format"

local read_message, inject_message = read_message, inject_message
local normalize_user_agent = clf.normalize_user_agent

local payload_keep = read_config("payload_keep")
local transform    = read_config("user_agent_transform")
local keep         = read_config("user_agent_keep")
local conditional  = read_config("user_agent_conditional")

local grammar, finish = clf.build_apache_grammar(read_config("log_format"), true)
local match = grammar.match

local msg = {
    Timestamp = nil,
    Type      = read_config("type"),
    Payload   = nil,
    Fields    = nil,
}

function process_message()
    local line = read_message("Payload")
    local fields = match(grammar, line)
    if not fields then return -1 end
    if finish then finish(fields) end

    msg.Timestamp = fields.time
    fields.time = nil
    if payload_keep then msg.Payload = line end

    if transform and fields.http_user_agent then
        fields.user_agent_browser, fields.user_agent_version, fields.user_agent_os =
            normalize_user_agent(fields.http_user_agent)
        if not (keep or conditional and not fields.user_agent_browser) then
            fields.http_user_agent = nil
        end
    end

    msg.Fields = fields
    inject_message(msg)
    return 0
end
