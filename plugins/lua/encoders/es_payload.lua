-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Makes a request of ElasticSearch's bulk API of messages whose Payload is already the JSON document.

In the options index, type_name and id names in %{} are replaced: by headers and fields of the message, or by its time in the
form that the name asks for, as in %{%Y.%m.%d}.

Config:

- es_index_from_timestamp (bool, optional, default false)
    Takes the message's Timestamp for times in the names, not the time of encoding.

- index (string, optional, default "heka-%{%Y.%m.%d}")
    Name of the index.

- type_name (string, optional, default "message")
    Name of the document's type.

- id (string, optional, default nil)
    The document's id; ElasticSearch makes one unless it is given.

*Example Heka Configuration*

.. code-block:: ini

    [es_payload]
    type = "SandboxEncoder"
    filename = "lua_encoders/es_payload.lua"

    [es_payload.config]
    es_index_from_timestamp = true
    index = "%{Logger}-%{%Y.%m.%d}"
    type_name = "%{Type}-%{Hostname}"

    [ElasticSearchOutput]
    message_matcher = "Type == 'mytype'"
    encoder = "es_payload"

*Example Output*

.. code-block:: json

    {"index":{"_index":"mylogger-2014.06.05","_type":"mytype-host.domain.com"}}
    {"json":"data","extracted_from":"message payload"}
--]]

require "string"
local elasticsearch = require "elasticsearch"

local from_timestamp = read_config("es_index_from_timestamp")
local index          = read_config("index") or "heka-%{%Y.%m.%d}"
local type_name      = read_config("type_name") or "message"
local id             = read_config("id")

function process_message()
    local ns = from_timestamp and read_message("Timestamp") or nil
    local action = elasticsearch.bulkapi_index_json(index, type_name, id, ns)
    local document = read_message("Payload")

    add_to_payload(action, "\n", document)
    if document:sub(-1) ~= "\n" then add_to_payload("\n") end
    inject_payload()
    return 0
end
