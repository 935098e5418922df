-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Requests to ElasticSearch.
--
-- bulkapi_index_json(index, type_name, id, ns)
--     The line of the bulk API that tells where the next line's document goes. In each part names are replaced as by
--     msg_interpolate, for the time in nanoseconds (now if nil); a part that is nil is left out.

local cjson = require "cjson"
local mi    = require "msg_interpolate"

local interpolate, encode = mi.interpolate_from_msg, cjson.encode

local M = {}
setfenv(1, M)

function bulkapi_index_json(index, type_name, id, ns)
    local secs = ns and ns / 1e9
    -- All at once: members that are added one by one come out in another order.
    local place = {
        _index = index and interpolate(index, secs),
        _type  = type_name and interpolate(type_name, secs),
        _id    = id and interpolate(id, secs),
    }
    return encode({index = place})
end

return M
