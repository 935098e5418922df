-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- What the decoders of access logs have in common.
--
-- decoder(build_grammar)   a process_message function for lines that fit the grammar which this function of
--                          common_log_format makes of the option log_format; other options are type, user_agent_transform,
--                          user_agent_keep, user_agent_conditional and payload_keep

local clf = require "common_log_format"

local read_config, read_message, inject_message = read_config, read_message, inject_message
local normalize_user_agent = clf.normalize_user_agent

local M = {}
setfenv(1, M)

function decoder(build_grammar)
    local payload_keep = read_config("payload_keep")
    local transform    = read_config("user_agent_transform")
    local keep         = read_config("user_agent_keep")
    local conditional  = read_config("user_agent_conditional")

    local grammar, finish = build_grammar(read_config("log_format"), true)
    local match = grammar.match

    local msg = {
        Timestamp = nil,
        Type      = read_config("type"),
        Payload   = nil,
        Fields    = nil,
    }

    return function()
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
end

return M
