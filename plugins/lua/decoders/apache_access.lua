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
    filename = "lua_decoders/apache_access.lua"

    [CombinedLogDecoder.config]
    type = "combined"
    user_agent_transform = true
    log_format = '%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"'
--]]

local access_log = require "access_log"
local clf        = require "common_log_format"

process_message = access_log.decoder(clf.build_apache_grammar)
