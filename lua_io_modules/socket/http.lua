-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
A client of HTTP/1.1.

request(url [, body])
    GET, or POST of a form if there is a body. Returns the body of the answer,
    its code, its headers by lower-case names, and its status line.
request{url=, sink=, method=, headers=, source=, step=, proxy=, redirect=, create=}
    The same with everything chosen; returns 1 in place of the body.
Both return nil and an error if there is no answer.
--]]

local string = require "string"
local table = require "table"
local socket = require "socket"
local url = require "socket.url"
local ltn12 = require "ltn12"
local mime = require "mime"
local headers = require "socket.headers"
local pairs, setmetatable, tonumber = pairs, setmetatable, tonumber
local tostring, type = tostring, type

local M = {
    TIMEOUT = 60, -- seconds for each wait
    PORT = 80,
    USERAGENT = socket._VERSION,
}
socket.http = M

local MOST_REDIRECTS = 5

--- Reads header lines up to the empty one into `list`.
local function read_headers(sock, list)
    list = list or {}
    local line, why = sock:receive()
    if why then return nil, why end
    while line ~= "" do
        local name, value = string.match(line, "^(.-):%s*(.*)")
        if not name then return nil, "malformed reponse headers" end
        name = string.lower(name)
        line, why = sock:receive()
        if why then return nil, why end
        while string.find(line, "^%s") do
            -- The value goes on in this line.
            value = value .. line
            line, why = sock:receive()
            if why then return nil, why end
        end
        list[name] = list[name] and (list[name] .. ", " .. value) or value
    end
    return list
end

--- A callable that answers for its socket in `select`.
local function on_socket(sock, call)
    return setmetatable({
        getfd = function() return sock:getfd() end,
        dirty = function() return sock:dirty() end,
    }, {__call = call})
end

socket.sourcet["http-chunked"] = function(sock, list)
    return on_socket(sock, function()
        local line, why = sock:receive()
        if why then return nil, why end
        local size = tonumber(string.match(line, "^%s*(%x+)") or "", 16)
        if not size then return nil, "invalid chunk size" end
        if size > 0 then
            local piece, trouble = sock:receive(size)
            if piece then sock:receive() end
            return piece, trouble
        end
        -- Headers may follow the last piece.
        list, why = read_headers(sock, list)
        if not list then return nil, why end
        return nil
    end)
end

socket.sinkt["http-chunked"] = function(sock)
    return on_socket(sock, function(_, piece)
        if not piece then return sock:send("0\r\n\r\n") end
        return sock:send(string.format("%X\r\n", string.len(piece)) .. piece .. "\r\n")
    end)
end

-- A connection

local connection = {}
connection.__index = connection

function M.open(host, port, create)
    local self = setmetatable({}, connection)
    self.c = socket.try((create or socket.tcp)())
    self.try = socket.newtry(function() self:close() end)
    self.try(self.c:settimeout(M.TIMEOUT))
    self.try(self.c:connect(host, port or M.PORT))
    return self
end

function connection:sendrequestline(method, uri)
    return self.try(self.c:send(string.format("%s %s HTTP/1.1\r\n", method or "GET", uri)))
end

function connection:sendheaders(list)
    local lines = {}
    for name, value in pairs(list) do
        lines[#lines + 1] = (headers.canonic[name] or name) .. ": " .. value .. "\r\n"
    end
    lines[#lines + 1] = "\r\n"
    self.try(self.c:send(table.concat(lines)))
    return 1
end

function connection:sendbody(list, source, step)
    local mode = list["content-length"] and "keep-open" or "http-chunked"
    local sink = socket.sink(mode, self.c)
    return self.try(ltn12.pump.all(source or ltn12.source.empty(), sink, step or ltn12.pump.step))
end

--- The code and the status line; nil and what was read if the server speaks HTTP/0.9.
function connection:receivestatusline()
    local start = self.try(self.c:receive(5))
    if start ~= "HTTP/" then return nil, start end
    local line = self.try(self.c:receive("*l", start))
    local code = string.match(line, "HTTP/%d*%.%d* (%d%d%d)")
    return self.try(tonumber(code), line)
end

function connection:receiveheaders()
    return self.try(read_headers(self.c))
end

function connection:receivebody(list, sink, step)
    local length = tonumber(list["content-length"])
    local coding = list["transfer-encoding"]
    local mode = "default"
    if coding and coding ~= "identity" then
        mode = "http-chunked"
    elseif length then
        mode = "by-length"
    end
    local extra = mode == "by-length" and length or list
    local source = socket.source(mode, self.c, extra)
    return self.try(ltn12.pump.all(source, sink or ltn12.sink.null(), step or ltn12.pump.step))
end

function connection:receive09body(start, sink, step)
    local source = ltn12.source.rewind(socket.source("until-closed", self.c))
    source(start)
    return self.try(ltn12.pump.all(source, sink or ltn12.sink.null(), step or ltn12.pump.step))
end

function connection:close() return self.c:close() end

-- Requests

local function proxy_of(request) return request.proxy or M.PROXY end

--- What the request line asks for: the path, or the whole URL if a proxy is asked.
local function request_uri(request)
    local parts = request
    if not proxy_of(request) then
        parts = {
            path = socket.try(request.path, "invalid path 'nil'"),
            params = request.params, query = request.query, fragment = request.fragment,
        }
    end
    return url.build(parts)
end

local function basic(user, password)
    return "Basic " .. (mime.b64(url.unescape(user) .. ":" .. url.unescape(password)))
end

--- The headers to send, by lower-case names.
local function request_headers(request)
    local list = {
        ["user-agent"] = M.USERAGENT,
        host = (string.gsub(request.authority, "^.-@", "")),
        connection = "close, TE",
        te = "trailers",
    }
    if request.user and request.password then
        list.authorization = basic(request.user, request.password)
    end
    local proxy = proxy_of(request)
    if proxy then
        local parts = url.parse(proxy)
        if parts.user and parts.password then
            list["proxy-authorization"] = basic(parts.user, parts.password)
        end
    end
    for name, value in pairs(request.headers or {}) do list[string.lower(name)] = value end
    return list
end

--- A copy of the request with all that follows from its URL.
local function completed(request)
    local full = request.url and url.parse(request.url, {
        host = "", port = M.PORT, path = "/", scheme = "http",
    }) or {}
    for name, value in pairs(request) do full[name] = value end
    if full.port == "" then full.port = M.PORT end
    socket.try(full.host and full.host ~= "", "invalid host '" .. tostring(full.host) .. "'")
    if not full.authority then
        full.authority = full.host
        if tonumber(full.port) ~= M.PORT then full.authority = full.host .. ":" .. full.port end
    end
    full.uri = request.uri or request_uri(full)
    full.headers = request_headers(full)
    local proxy = proxy_of(full)
    if proxy then
        local parts = url.parse(proxy)
        full.host, full.port = parts.host, parts.port or 3128
    end
    return full
end

local function is_redirect(request, code, list)
    if not string.find(list.location or "", "%S") then return false end
    return request.redirect ~= false
        and (code == 301 or code == 302 or code == 303 or code == 307)
        and (not request.method or request.method == "GET" or request.method == "HEAD")
        and (not request.nredirects or request.nredirects < MOST_REDIRECTS)
end

local function has_body(request, code)
    if request.method == "HEAD" or code == 204 or code == 304 then return nil end
    if code >= 100 and code < 200 then return nil end
    return 1
end

local perform

local function redirected(request, location)
    local result, code, list, status = perform{
        url = url.absolute(request.url, location),
        source = request.source, sink = request.sink, step = request.step,
        headers = request.headers, proxy = request.proxy, method = request.method,
        nredirects = (request.nredirects or 0) + 1,
        create = request.create,
    }
    -- Where the answer came from.
    list = list or {}
    list.location = list.location or location
    return result, code, list, status
end

perform = function(request)
    local full = completed(request)
    local server = M.open(full.host, full.port, full.create)
    server:sendrequestline(full.method, full.uri)
    server:sendheaders(full.headers)
    if full.source then server:sendbody(full.headers, full.source, full.step) end
    local code, status = server:receivestatusline()
    if not code then
        server:receive09body(status, full.sink, full.step)
        server:close()
        return 1, 200
    end
    local list
    while code == 100 do
        server:receiveheaders()
        code, status = server:receivestatusline()
    end
    list = server:receiveheaders()
    if is_redirect(full, code, list) and not full.source then
        server:close()
        return redirected(request, list.location)
    end
    if has_body(full, code) then server:receivebody(list, full.sink, full.step) end
    server:close()
    return 1, code, list, status
end

local function simple(address, body)
    local pieces = {}
    local request = {url = address, sink = (ltn12.sink.table(pieces))}
    if body then
        request.method = "POST"
        request.source = ltn12.source.string(body)
        request.headers = {
            ["content-length"] = string.len(body),
            ["content-type"] = "application/x-www-form-urlencoded",
        }
    end
    local _, code, list, status = perform(request)
    return table.concat(pieces), code, list, status
end

M.request = socket.protect(function(request, body)
    if type(request) == "string" then return simple(request, body) end
    return perform(request)
end)

return M
