-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Sends mail.

message{headers=, body=} gives a source of the message; a body is a string, a
source, or a list of messages (parts) with `preamble` and `epilogue`.
send{from=, rcpt=, source=, user=, password=, server=, port=, domain=, step=, create=}
sends it; returns 1, or nil and an error.
--]]

local string = require "string"
local table = require "table"
local math = require "math"
local os = require "os"
local coroutine = require "coroutine"
local socket = require "socket"
local tp = require "socket.tp"
local ltn12 = require "ltn12"
local headers = require "socket.headers"
local mime = require "mime"
local error, ipairs, pairs, setmetatable, type = error, ipairs, pairs, setmetatable, type

local M = {
    TIMEOUT = 60, -- seconds for each wait
    SERVER = "localhost",
    PORT = 25,
    DOMAIN = os.getenv and os.getenv("SERVER_NAME") or "localhost",
    ZONE = "-0000",
}
socket.smtp = M

-- A session

local session = {}
session.__index = session

function M.open(server, port, create)
    local control = socket.try(tp.connect(server or M.SERVER, port or M.PORT, M.TIMEOUT, create))
    local self = setmetatable({tp = control}, session)
    self.try = socket.newtry(function() self:close() end)
    return self
end

--- Sends a command and wants an answer like `expected`.
function session:ask(expected, verb, argument)
    self.try(self.tp:command(verb, argument))
    return self.try(self.tp:check(expected))
end

--- Gives the server's extensions as text.
function session:greet(domain)
    self.try(self.tp:check("2.."))
    self.try(self.tp:command("EHLO", domain or M.DOMAIN))
    local _, extensions = self.try(self.tp:check("2.."))
    return extensions
end

function session:mail(from) return self:ask("2..", "MAIL", "FROM:" .. from) end

function session:rcpt(to) return self:ask("2..", "RCPT", "TO:" .. to) end

function session:data(source, step)
    self:ask("3..", "DATA")
    self.try(self.tp:source(source, step))
    self.try(self.tp:send("\r\n.\r\n"))
    return self.try(self.tp:check("2.."))
end

function session:quit() return self:ask("2..", "QUIT") end

function session:close() return self.tp:close() end

function session:login(user, password)
    self:ask("3..", "AUTH", "LOGIN")
    self.try(self.tp:send((mime.b64(user)) .. "\r\n"))
    self.try(self.tp:check("3.."))
    self.try(self.tp:send((mime.b64(password)) .. "\r\n"))
    return self.try(self.tp:check("2.."))
end

function session:plain(user, password)
    return self:ask("2..", "AUTH", "PLAIN " .. (mime.b64("\0" .. user .. "\0" .. password)))
end

function session:auth(user, password, extensions)
    if not user or not password then return 1 end
    if string.find(extensions, "AUTH[^\n]+LOGIN") then return self:login(user, password) end
    if string.find(extensions, "AUTH[^\n]+PLAIN") then return self:plain(user, password) end
    self.try(nil, "authentication not supported")
end

function session:send(mail)
    self:mail(mail.from)
    local recipients = type(mail.rcpt) == "table" and mail.rcpt or {mail.rcpt}
    for _, recipient in ipairs(recipients) do self:rcpt(recipient) end
    self:data(ltn12.source.chain(mail.source, mime.stuff()), mail.step)
end

-- A message. It is written by a coroutine that yields its pieces.

local boundaries = 0

local function new_boundary()
    boundaries = boundaries + 1
    return string.format("%s%05d==%05u", os.date("%d%m%Y%H%M%S"), math.random(0, 99999), boundaries)
end

local function yield_headers(list)
    local lines = {}
    for name, value in pairs(list) do
        lines[#lines + 1] = (headers.canonic[name] or name) .. ": " .. value .. "\r\n"
    end
    lines[#lines + 1] = "\r\n"
    coroutine.yield(table.concat(lines))
end

local yield_message

local function yield_parts(message)
    local boundary = new_boundary()
    local list = message.headers
    list["content-type"] = (list["content-type"] or "multipart/mixed") .. '; boundary="' .. boundary .. '"'
    yield_headers(list)
    if message.body.preamble then
        coroutine.yield(message.body.preamble)
        coroutine.yield("\r\n")
    end
    for _, part in ipairs(message.body) do
        coroutine.yield("\r\n--" .. boundary .. "\r\n")
        yield_message(part)
    end
    coroutine.yield("\r\n--" .. boundary .. "--\r\n\r\n")
    if message.body.epilogue then
        coroutine.yield(message.body.epilogue)
        coroutine.yield("\r\n")
    end
end

local function with_type(list)
    list["content-type"] = list["content-type"] or 'text/plain; charset="iso-8859-1"'
    return list
end

local function yield_source(message)
    yield_headers(with_type(message.headers))
    while true do
        local piece, why = message.body()
        if why then coroutine.yield(nil, why) end
        if not piece then return end
        coroutine.yield(piece)
    end
end

local function lowered(list)
    local lower = {}
    for name, value in pairs(list or {}) do lower[string.lower(name)] = value end
    return lower
end

yield_message = function(message)
    -- The script's table stays as it is.
    message = {headers = lowered(message.headers), body = message.body}
    local kind = type(message.body)
    if kind == "table" then
        yield_parts(message)
    elseif kind == "function" then
        yield_source(message)
    else
        yield_headers(with_type(message.headers))
        coroutine.yield(message.body)
    end
end

function M.message(message)
    local list = lowered(message.headers)
    list.date = list.date or os.date("!%a, %d %b %Y %H:%M:%S ") .. (message.zone or M.ZONE)
    list["x-mailer"] = list["x-mailer"] or socket._VERSION
    list["mime-version"] = "1.0"
    local whole = {headers = list, body = message.body}
    local writer = coroutine.create(function() yield_message(whole) end)
    return function()
        if coroutine.status(writer) == "dead" then return nil end
        local fine, piece, why = coroutine.resume(writer)
        if not fine then error(piece, 0) end
        return piece, why
    end
end

M.send = socket.protect(function(mail)
    local server = M.open(mail.server, mail.port, mail.create)
    local extensions = server:greet(mail.domain)
    server:auth(mail.user, mail.password, extensions)
    server:send(mail)
    server:quit()
    return server:close()
end)

return M
