-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
URLs as of RFC 2396: taking them apart, putting them together, resolving
relative ones.
--]]

local string = require "string"
local table = require "table"
local socket = require "socket"
local ipairs, pairs, tonumber, type = ipairs, pairs, tonumber, type

local M = {_VERSION = "URL 1.0.3"}
socket.url = M

local function quoted(char) return string.format("%%%02x", string.byte(char)) end

--- Quotes everything but letters and digits and `_`.
function M.escape(text)
    return (string.gsub(text, "[^A-Za-z0-9_]", quoted))
end

function M.unescape(text)
    return (string.gsub(text, "%%(%x%x)", function(digits)
        return string.char(tonumber(digits, 16))
    end))
end

--- Quotes what may not stand in a segment of a path.
local function escape_segment(text)
    return (string.gsub(text, "[^A-Za-z0-9%-_%.!~%*'%(%):@&=%+%$,]", quoted))
end

--- Takes `.` and `..` out of a path, as far as there is something that `..` can take away.
local function normalized(path)
    local segments, kept = {}, {}
    for segment, slash in string.gmatch(path, "([^/]*)(/?)") do
        if segment ~= "" or slash ~= "" then segments[#segments + 1] = {segment, slash} end
    end
    for _, part in ipairs(segments) do
        local last = kept[#kept]
        if part[1] == "." then
            -- Takes its slash with it.
        elseif part[1] == ".." and last and last[1] ~= ".." and last[1] ~= "" then
            kept[#kept] = nil
        else
            kept[#kept + 1] = part
        end
    end
    for at, part in ipairs(kept) do kept[at] = part[1] .. part[2] end
    return table.concat(kept)
end

local function absolute_path(base, relative)
    if string.sub(relative, 1, 1) == "/" then return relative end
    return normalized(string.gsub(base, "[^/]*$", "") .. relative)
end

--- A table of the URL's parts; `default` has those that are not in it.
function M.parse(url, default)
    local parts = {}
    for name, value in pairs(default or parts) do parts[name] = value end
    if not url or url == "" then return nil, "invalid url" end
    local function cut(pattern, name)
        local first, last, value = string.find(url, pattern)
        if first then
            url = string.sub(url, 1, first - 1) .. string.sub(url, last + 1)
            parts[name] = value
        end
    end
    cut("#(.*)$", "fragment")
    cut("^([%w][%w%+%-%.]*):", "scheme")
    cut("^//([^/]*)", "authority")
    cut("%?(.*)", "query")
    cut("%;(.*)", "params")
    if url ~= "" then parts.path = url end
    local authority = parts.authority
    if not authority then return parts end
    local user, host = string.match(authority, "^([^@]*)@(.*)$")
    if user then
        parts.userinfo = user
        authority = host
    end
    host = string.match(authority, "^(.*):[^:%]]*$")
    if host then
        parts.port = string.match(authority, ":([^:%]]*)$")
        authority = host
    end
    if authority ~= "" then
        -- An IPv6 address stands in brackets.
        parts.host = string.match(authority, "^%[(.+)%]$") or authority
    end
    local userinfo = parts.userinfo
    if userinfo then
        local name, password = string.match(userinfo, "^(.*):([^:]*)$")
        parts.password = password
        parts.user = name or userinfo
    end
    return parts
end

--- Puts a URL together from its parts.
function M.build(parts)
    local url = parts.path or ""
    if parts.params then url = url .. ";" .. parts.params end
    if parts.query then url = url .. "?" .. parts.query end
    local authority = parts.authority
    if parts.host then
        authority = parts.host
        if string.find(authority, ":", 1, true) then authority = "[" .. authority .. "]" end
        if parts.port then authority = authority .. ":" .. parts.port end
        local userinfo = parts.userinfo
        if parts.user then
            userinfo = parts.user
            if parts.password then userinfo = userinfo .. ":" .. parts.password end
        end
        if userinfo then authority = userinfo .. "@" .. authority end
    end
    if authority then url = "//" .. authority .. url end
    if parts.scheme then url = parts.scheme .. ":" .. url end
    if parts.fragment then url = url .. "#" .. parts.fragment end
    return url
end

--- The URL that `relative` means in a document at `base`, which is a URL or its parts.
function M.absolute(base, relative)
    local base_parts = base
    if type(base) == "table" then
        base = M.build(base_parts)
    else
        base_parts = M.parse(base)
    end
    local parts = M.parse(relative)
    if not base_parts then return relative end
    if not parts then return base end
    if parts.scheme then return relative end
    parts.scheme = base_parts.scheme
    if not parts.authority then
        parts.authority = base_parts.authority
        if not parts.path then
            parts.path = base_parts.path
            if not parts.params then
                parts.params = base_parts.params
                parts.query = parts.query or base_parts.query
            end
        else
            parts.path = absolute_path(base_parts.path or "", parts.path)
        end
    end
    return M.build(parts)
end

--- The segments of a path, unquoted; `is_absolute` and `is_directory` tell of slashes at its ends.
function M.parse_path(path)
    path = path or ""
    local segments = {}
    for segment in string.gmatch(path, "[^/]+") do segments[#segments + 1] = M.unescape(segment) end
    if string.sub(path, 1, 1) == "/" then segments.is_absolute = 1 end
    if string.sub(path, -1) == "/" then segments.is_directory = 1 end
    return segments
end

--- The path of segments, quoted unless `unsafe`.
function M.build_path(segments, unsafe)
    local escaped = {}
    for at = 1, #segments do
        escaped[at] = unsafe and segments[at] or escape_segment(segments[at])
    end
    local path = table.concat(escaped, "/")
    if segments.is_directory and #segments > 0 then path = path .. "/" end
    if segments.is_absolute then path = "/" .. path end
    return path
end

return M
