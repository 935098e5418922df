-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Finds out what messages there are: which loggers send which types and versions with which fields. By the ticker it puts that
out as a tree.

Config:

    none

*Example Heka Configuration*

.. code-block:: ini

    [SyncMessageSchema]
    type = "SandboxFilter"
    filename = "lua_filters/heka_message_schema.lua"
    ticker_interval = 60
    preserve_data = false
    message_matcher = "Logger =~ /^Sync/"

*Example Output*

.. code-block:: text

    Sync-1_5-Webserver [54600]
        slow [1]
             -no version- [1]
                upstream_response_time (mismatch)
                http_user_agent (string)
                body_bytes_sent (number)
                remote_user (string - optional [1])
--]]

require "string"

local intro = "Logger -> Type -> EnvVersion -> Field Attributes.\n"
    .. "The number in brackets is the number of occurrences of each logger/type/attribute.\n\n"

-- By the protocol's numbers of value types.
local type_names = {[0] = "string", [1] = "unknown", [2] = "number", [3] = "number", [4] = "bool"}
local MISMATCH   = "mismatch"

-- A tree. Each node has a count and its children by name; a field has the type of its values instead.
schema = {}

local function child(nodes, name)
    local node = nodes[name]
    if not node then
        node = {count = 0, children = {}}
        nodes[name] = node
    end
    node.count = node.count + 1
    return node
end

local function add_field(nodes, name, value_type)
    local field = nodes[name]
    if not field then
        nodes[name] = {count = 1, type = value_type}
        return
    end
    field.count = field.count + 1
    if field.type ~= value_type then field.type = MISMATCH end
end

function process_message()
    local logger, kind, version = read_message("Logger"), read_message("Type"), read_message("EnvVersion")
    local node = child(schema, logger ~= "" and logger or "-no logger-")
    node = child(node.children, kind ~= "" and kind or "-no type-")
    node = child(node.children, version ~= "" and version or "-no version-")

    while true do
        local value_type, name = read_next_field()
        if not value_type then break end
        add_field(node.children, name, value_type)
    end
    return 0
end

local function add_fields(node)
    for name, field in pairs(node.children) do
        local text = field.type == MISMATCH and MISMATCH or type_names[field.type]
        if field.count ~= node.count then
            text = string.format("%s - optional [%d]", text, field.count)
        end
        add_to_payload("            ", name, " (", text, ")\n")
    end
end

function timer_event()
    add_to_payload(intro)
    for logger, logger_node in pairs(schema) do
        add_to_payload(logger, " [", logger_node.count, "]\n")
        for kind, type_node in pairs(logger_node.children) do
            add_to_payload("    ", kind, " [", type_node.count, "]\n")
            for version, version_node in pairs(type_node.children) do
                add_to_payload("         ", version, " [", version_node.count, "]\n")
                add_fields(version_node)
            end
        end
    end
    inject_payload("txt", "Message Schema")
end
