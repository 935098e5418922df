-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Names in a text replaced by what the message has.
--
-- interpolate_from_msg(value, secs)
--     Replaces each %{name}. The name is that of a header (Type, Hostname, Pid, UUID, Logger, EnvVersion, Severity), else
--     that of a field, else a format of os.date for the time in seconds (now if nil). What is none of these stays.
--     Returns what string.gsub returns: the text and how many names it saw.

require "os"
require "string"

local read_message, tostring = read_message, tostring
local date, string = os.date, {gsub = string.gsub}
local os = {date = date}

local M = {}
setfenv(1, M)

local headers = {
    Type       = "Type",
    Hostname   = "Hostname",
    Pid        = "Pid",
    UUID       = "Uuid",
    Logger     = "Logger",
    EnvVersion = "EnvVersion",
    Severity   = "Severity",
}

function interpolate_from_msg(value, secs)
    local function replacement(name)
        local header = headers[name]
        if header then return read_message(header) end

        local field = read_message("Fields[" .. name .. "]")
        if field ~= nil then return tostring(field) end

        local time = os.date(name, secs)
        if time ~= name then return time end
    end
    return string.gsub(value, "%%{(.-)}", replacement)
end

return M
