-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- What the decoders of slow query logs have in common.
--
-- decoder(msg_type, grammar)   a process_message function for entries that fit this grammar of the module mysql; it reads
--                              the option truncate_sql

require "string"

local read_config, read_message, inject_message = read_config, read_message, inject_message
local sub = string.sub

local M = {}
setfenv(1, M)

function decoder(msg_type, grammar)
    local truncate_sql = read_config("truncate_sql")

    return function()
        local msg = grammar:match(read_message("Payload"))
        if not msg then return -1 end

        msg.Type = msg_type
        if truncate_sql and #msg.Payload > truncate_sql then
            msg.Payload = sub(msg.Payload, 1, truncate_sql) .. "..."
        end
        inject_message(msg)
        return 0
    end
end

return M
