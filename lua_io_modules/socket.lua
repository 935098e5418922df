-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Sockets: what is written in Lua on top of socket.core.
--]]

local string = require "string"
local math = require "math"
local M = require "socket.core"
local error, ipairs, setmetatable = error, ipairs, setmetatable
local tostring, type = tostring, type

M.BLOCKSIZE = 2048
M.sourcet = {}
M.sinkt = {}
M.try = M.newtry()

function M.connect4(host, port, local_host, local_port)
    return M.connect(host, port, local_host, local_port, "inet")
end

function M.connect6(host, port, local_host, local_port)
    return M.connect(host, port, local_host, local_port, "inet6")
end

--- A listening socket on the first address of `host` that can be had.
function M.bind(host, port, backlog)
    if host == "*" then host = "0.0.0.0" end
    local addresses, why = M.dns.getaddrinfo(host)
    if not addresses then return nil, why end
    why = "no info on address"
    for _, address in ipairs(addresses) do
        local server, trouble
        if address.family == "inet" then
            server, trouble = M.tcp()
        else
            server, trouble = M.tcp6()
        end
        if not server then return nil, trouble end
        server:setoption("reuseaddr", true)
        local done
        done, why = server:bind(address.addr, port)
        if done then
            done, why = server:listen(backlog)
            if done then return server end
        end
        server:close()
    end
    return nil, why
end

--- A function that looks a maker up by its first argument; without a name it is `default`.
function M.choose(makers)
    return function(name, first, second)
        if type(name) ~= "string" then
            name, first, second = "default", name, first
        end
        local maker = makers[name]
        if not maker then error("unknown key (" .. tostring(name) .. ")", 3) end
        return maker(first, second)
    end
end

--- A callable that answers for its socket in `select`.
local function on_socket(sock, call)
    return setmetatable({
        getfd = function() return sock:getfd() end,
        dirty = function() return sock:dirty() end,
    }, {__call = call})
end

M.sinkt["close-when-done"] = function(sock)
    return on_socket(sock, function(_, piece)
        if piece then return sock:send(piece) end
        sock:close()
        return 1
    end)
end

M.sinkt["keep-open"] = function(sock)
    return on_socket(sock, function(_, piece)
        if piece then return sock:send(piece) end
        return 1
    end)
end

M.sinkt.default = M.sinkt["keep-open"]
M.sink = M.choose(M.sinkt)

M.sourcet["by-length"] = function(sock, left)
    return on_socket(sock, function()
        if left <= 0 then return nil end
        local piece, why = sock:receive(math.min(M.BLOCKSIZE, left))
        if not piece then return nil, why end
        left = left - string.len(piece)
        return piece
    end)
end

M.sourcet["until-closed"] = function(sock)
    local done
    return on_socket(sock, function()
        if done then return nil end
        local piece, why, partial = sock:receive(M.BLOCKSIZE)
        if piece then return piece end
        if why ~= "closed" then return nil, why end
        done = true
        sock:close()
        return partial
    end)
end

M.sourcet.default = M.sourcet["until-closed"]
M.source = M.choose(M.sourcet)

return M
