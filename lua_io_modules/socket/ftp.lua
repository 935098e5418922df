-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
A client of FTP, in passive mode.

get(url), get{host=, path= or argument=, sink=, command=, type=, user=, password=, port=, step=, create=}
put(url, content), put{... source= ...}
command{host=, command=, argument=, check=, ...}
A URL may end in ";type=a" or ";type=i". All return nil and an error on failure.
--]]

local string = require "string"
local table = require "table"
local math = require "math"
local socket = require "socket"
local url = require "socket.url"
local tp = require "socket.tp"
local ltn12 = require "ltn12"
local ipairs, pairs, setmetatable, tonumber = ipairs, pairs, setmetatable, tonumber
local select, tostring, type = select, tostring, type

local M = {
    TIMEOUT = 60, -- seconds for each wait
    PORT = 21,
    USER = "ftp",
    PASSWORD = "anonymous@anonymous.org",
}
socket.ftp = M

-- A session

local session = {}
session.__index = session

function M.open(server, port, create)
    local control = socket.try(tp.connect(server, port or M.PORT, M.TIMEOUT, create))
    local self = setmetatable({tp = control}, session)
    self.try = socket.newtry(function() self:close() end)
    return self
end

--- Sends a command and wants an answer like `expected`; its code and text.
function session:ask(expected, verb, argument)
    self.try(self.tp:command(verb, argument))
    return self.try(self.tp:check(expected))
end

function session:greet()
    local code = self.try(self.tp:check{"1..", "2.."})
    if code < 200 then self.try(self.tp:check("2..")) end
    return 1
end

function session:login(user, password)
    local code = self:ask({"2..", 331}, "USER", user or M.USER)
    if code == 331 then self:ask("2..", "PASS", password or M.PASSWORD) end
    return 1
end

function session:type(kind)
    self:ask(200, "TYPE", kind)
    return 1
end

function session:cwd(folder)
    self:ask(250, "CWD", folder)
    return 1
end

--- Asks where the data connection is to be made to; address and port.
function session:pasv()
    local _, text = self:ask("2..", "PASV")
    local a, b, c, d, high, low = string.match(text, "(%d+)%D(%d+)%D(%d+)%D(%d+)%D(%d+)%D(%d+)")
    self.try(a and low, text)
    self.pasvt = {ip = string.format("%d.%d.%d.%d", a, b, c, d), port = high * 256 + low}
    if self.server then
        self.server:close()
        self.server = nil
    end
    return self.pasvt.ip, self.pasvt.port
end

--- Waits for the server's data connection instead.
function session:port(ip, port)
    self.pasvt = nil
    if not ip then
        ip = self.try(self.tp:getcontrol():getsockname())
        self.server = self.try(socket.bind(ip, 0))
        ip, port = self.try(self.server:getsockname())
        self.try(self.server:settimeout(M.TIMEOUT))
    end
    local where = string.gsub(string.format("%s,%d,%d", ip, math.floor(port / 256), port % 256), "%.", ",")
    self:ask("2..", "PORT", where)
    return 1
end

--- Makes the data connection.
function session:connect_data()
    if self.pasvt then
        self.data = self.try(socket.tcp())
        self.try(self.data:settimeout(M.TIMEOUT))
        self.try(self.data:connect(self.pasvt.ip, self.pasvt.port))
    else
        self.data = self.try(self.server:accept())
        self.try(self.data:settimeout(M.TIMEOUT))
    end
end

--- The argument of a command from what the script gave: its `argument`, or its path without the leading slash.
local function argument_of(request)
    local argument = request.argument or url.unescape((string.gsub(request.path or "", "^[/\\]", "")))
    if argument ~= "" then return argument end
    return nil
end

function session:send(request)
    self.try(self.pasvt or self.server, "need port or pasv first")
    if self.pasvt then self:connect_data() end
    local code = self:ask({"2..", "1.."}, request.command or "stor", argument_of(request))
    if not self.pasvt then self:connect_data() end
    local control = self.tp:getcontrol()
    local step = request.step or ltn12.pump.step
    --- Looks for an answer in between: the server may end the transfer.
    local function checking(source, sink)
        local ready = socket.select({control}, nil, 0)
        if ready[control] then code = self.try(self.tp:check("2..")) end
        return step(source, sink)
    end
    local sink = socket.sink("close-when-done", self.data)
    self.try(ltn12.pump.all(request.source, sink, checking))
    if code < 200 then self.try(self.tp:check("2..")) end
    self.data:close()
    local sent = select(2, self.data:getstats())
    self.data = nil
    return sent
end

function session:receive(request)
    self.try(self.pasvt or self.server, "need port or pasv first")
    if self.pasvt then self:connect_data() end
    local code, text = self:ask({"1..", "2.."}, request.command or "retr", argument_of(request))
    if code >= 200 and code < 300 then
        -- There are no data to come: the answer is all.
        request.sink(text)
        return 1
    end
    if not self.pasvt then self:connect_data() end
    local source = socket.source("until-closed", self.data)
    self.try(ltn12.pump.all(source, request.sink, request.step or ltn12.pump.step))
    if string.find(code, "1..") then self.try(self.tp:check("2..")) end
    self.data:close()
    self.data = nil
    return 1
end

function session:quit()
    self:ask("2..", "QUIT")
    return 1
end

function session:close()
    if self.data then self.data:close() end
    if self.server then self.server:close() end
    return self.tp:close()
end

-- Requests

--- A copy of the request with what its URL says, if it has one.
local function completed(request)
    local full = {}
    if request.url then
        for name, value in pairs(url.parse(request.url)) do full[name] = value end
    end
    for name, value in pairs(request) do full[name] = value end
    socket.try(full.host, "missing hostname")
    return full
end

local function parsed(address)
    local parts = socket.try(url.parse(address, {path = "/", scheme = "ftp"}))
    socket.try(parts.scheme == "ftp", "wrong scheme '" .. tostring(parts.scheme) .. "'")
    socket.try(parts.host, "missing hostname")
    if parts.params then
        parts.type = string.match(parts.params, "^type=([^;]*)$")
        socket.try(parts.type == "a" or parts.type == "i", "invalid type '" .. tostring(parts.type) .. "'")
    end
    return parts
end

local function opened(request)
    local server = M.open(request.host, request.port, request.create)
    server:greet()
    server:login(request.user, request.password)
    if request.type then server:type(request.type) end
    return server
end

local function put(request)
    request = completed(request)
    local server = opened(request)
    server:pasv()
    local sent = server:send(request)
    server:quit()
    server:close()
    return sent
end

local function get(request)
    request = completed(request)
    local server = opened(request)
    server:pasv()
    server:receive(request)
    server:quit()
    return server:close()
end

M.put = socket.protect(function(request, content)
    if type(request) == "string" then
        request = parsed(request)
        request.source = ltn12.source.string(content)
    end
    return put(request)
end)

M.get = socket.protect(function(request)
    if type(request) ~= "string" then return get(request) end
    local pieces = {}
    request = parsed(request)
    request.sink = ltn12.sink.table(pieces)
    get(request)
    return table.concat(pieces)
end)

M.command = socket.protect(function(request)
    request = completed(request)
    socket.try(request.command, "missing command")
    local server = opened(request)
    local commands, arguments, checks = request.command, request.argument, request.check
    if type(commands) ~= "table" then
        commands, arguments, checks = {commands}, {arguments}, {checks}
    end
    for at, command in ipairs(commands) do
        server.try(server.tp:command(command, arguments and arguments[at]))
        local check = checks and checks[at]
        if check then server.try(server.tp:check(check)) end
    end
    server:quit()
    return server:close()
end)

return M
