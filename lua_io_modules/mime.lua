-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
MIME: filters for transfer encodings, line ends and line lengths.
--]]

local ltn12 = require "ltn12"
local M = require "mime.core"
require "io"
require "string"
local error, tostring, type = error, tostring, type

-- Filter makers by name; a maker gets what the caller said beside the name.
M.encodet = {
    base64 = function() return ltn12.filter.cycle(M.b64, "") end,
    ["quoted-printable"] = function(mode)
        return ltn12.filter.cycle(M.qp, "", mode == "binary" and "=0D=0A" or "\r\n")
    end,
}
M.decodet = {
    base64 = function() return ltn12.filter.cycle(M.unb64, "") end,
    ["quoted-printable"] = function() return ltn12.filter.cycle(M.unqp, "") end,
}

local function by_length(length)
    length = length or 76
    return ltn12.filter.cycle(M.wrp, length, length)
end

M.wrapt = {
    text = by_length,
    base64 = by_length,
    default = by_length,
    ["quoted-printable"] = function() return ltn12.filter.cycle(M.qpwrp, 76, 76) end,
}

--- A function that looks a maker up by its first argument; without a name it is `default`.
local function chooser(makers)
    return function(name, first, second)
        -- `wrap(72)` leaves the name out.
        if type(name) ~= "string" then
            name, first, second = "default", name, first
        end
        local maker = makers[name]
        if not maker then error("unknown key (" .. tostring(name) .. ")", 3) end
        return maker(first, second)
    end
end

M.encode = chooser(M.encodet)
M.decode = chooser(M.decodet)
M.wrap = chooser(M.wrapt)

--- Makes all line ends the marker, CRLF unless another is given.
function M.normalize(marker) return ltn12.filter.cycle(M.eol, 0, marker) end

--- Doubles dots at the beginning of lines, as SMTP wants it.
function M.stuff() return ltn12.filter.cycle(M.dot, 2) end

return M
