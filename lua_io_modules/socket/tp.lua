-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
A client of protocols that speak in text lines and answer with a code of three
digits, like SMTP and FTP.
--]]

local string = require "string"
local socket = require "socket"
local ltn12 = require "ltn12"
local ipairs, setmetatable, tonumber, type = ipairs, setmetatable, tonumber, type

local M = {TIMEOUT = 60}
socket.tp = M

--- Reads an answer of one or more lines; its code, and its text.
local function answer(control)
    local line, why = control:receive()
    if not line then return nil, why end
    local text = line
    local code, separator = string.match(line, "^(%d%d%d)(.?)")
    if not code then return nil, "invalid server reply" end
    if separator == "-" then
        local last
        repeat
            line, why = control:receive()
            if not line then return nil, why end
            last, separator = string.match(line, "^(%d%d%d)(.?)")
            text = text .. "\n" .. line
        until last == code and separator == " "
    end
    return code, text
end

local client = {}
client.__index = client

--- Reads an answer and compares its code with `expected`: a pattern, a list of
--- patterns, or a function of code and text.
function client:check(expected)
    local code, text = answer(self.c)
    if not code then return nil, text end
    if type(expected) == "function" then return expected(tonumber(code), text) end
    local patterns = type(expected) == "table" and expected or {expected}
    for _, pattern in ipairs(patterns) do
        if string.find(code, pattern) then return tonumber(code), text end
    end
    return nil, text
end

function client:command(verb, argument)
    verb = string.upper(verb)
    if argument then verb = verb .. " " .. argument end
    return self.c:send(verb .. "\r\n")
end

function client:sink(sink, pattern)
    local piece, why = self.c:receive(pattern)
    return sink(piece, why)
end

function client:send(data) return self.c:send(data) end

function client:receive(pattern) return self.c:receive(pattern) end

function client:getfd() return self.c:getfd() end

function client:dirty() return self.c:dirty() end

function client:getcontrol() return self.c end

function client:source(source, step)
    local sink = socket.sink("keep-open", self.c)
    local done, why = ltn12.pump.all(source, sink, step or ltn12.pump.step)
    return done, why
end

function client:close()
    self.c:close()
    return 1
end

function M.connect(host, port, timeout, create)
    local control, why = (create or socket.tcp)()
    if not control then return nil, why end
    control:settimeout(timeout or M.TIMEOUT)
    local done
    done, why = control:connect(host, port)
    if not done then
        control:close()
        return nil, why
    end
    return setmetatable({c = control}, client)
end

return M
