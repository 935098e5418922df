-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Sources, sinks, filters and pumps of data in pieces.

A source gives the next piece at each call and nil at the end, or nil and an
error. A sink takes a piece, or nil for the end; it returns something true, or
nil and an error. A filter takes a piece (nil at the end) and returns the
transformed one; "" asks for more input, nil at the end of input is the end.
--]]

local string = require "string"
local table = require "table"
local error, pairs, select, type = error, pairs, select, type

local M = {
    _VERSION = "LTN12 1.0.3",
    BLOCKSIZE = 2048,
    filter = {}, source = {}, sink = {}, pump = {},
}
local filter, source, sink, pump = M.filter, M.source, M.sink, M.pump

-- Filters

--- A filter from a function of (context, piece, extra) that returns the result and the next context.
function filter.cycle(low, context, extra)
    if not low then error("no function to make a filter of", 2) end
    return function(piece)
        local result
        result, context = low(context, piece, extra)
        return result
    end
end

--- Runs `piece` through the filters first..last. Filters that still hold data
--- when the input ends are drained one after the other.
local function chained(filters)
    local count = #filters
    -- The filter that is being drained; all before it are done.
    local first = 1
    return function(piece)
        if piece ~= nil then
            for at = first, count do piece = filters[at](piece) end
            return piece
        end
        while first <= count do
            local out = filters[first](nil)
            if out == nil then
                first = first + 1
            else
                for at = first + 1, count do out = filters[at](out) end
                -- "" means here that what was drained is held further on.
                if out ~= "" then return out end
            end
        end
        return nil
    end
end

function filter.chain(...)
    local filters = {...}
    return chained(filters)
end

-- Sources

local function nothing() return nil end

function source.empty() return nothing end

function source.error(why)
    return function() return nil, why end
end

function source.file(handle, why)
    if not handle then return source.error(why or "unable to open file") end
    return function()
        local piece = handle:read(M.BLOCKSIZE)
        if not piece then handle:close() end
        return piece
    end
end

--- A source that may name its successor becomes one that does not.
function source.simplify(fancy)
    if not fancy then error("no source", 2) end
    return function()
        local piece, other = fancy()
        fancy = other or fancy
        if not piece then return nil, other end
        return piece
    end
end

function source.string(text)
    if not text then return source.empty() end
    local at = 1
    return function()
        local piece = string.sub(text, at, at + M.BLOCKSIZE - 1)
        at = at + M.BLOCKSIZE
        if piece ~= "" then return piece end
        return nil
    end
end

--- A source that takes pieces back: they come again, the last one first.
function source.rewind(inner)
    if not inner then error("no source", 2) end
    local back = {}
    return function(piece)
        if piece then
            back[#back + 1] = piece
        else
            piece = table.remove(back)
            if piece then return piece end
            return inner()
        end
    end
end

function source.chain(inner, transform)
    if not (inner and transform) then error("a source and a filter are needed", 2) end
    local ended, done = false, false
    return function()
        if done then return nil end
        while true do
            local piece, why
            if not ended then
                piece, why = inner()
                if why then
                    done = true
                    return nil, why
                end
                ended = piece == nil
            end
            local out = transform(piece)
            if out == nil then
                if ended then
                    done = true
                    return nil
                end
                error("the filter gave nil before the end")
            end
            if out ~= "" then return out end
            -- A filter that was given the end and has nothing to say is asked again.
        end
    end
end

function source.cat(...)
    local sources = {...}
    local at = 1
    return function()
        while sources[at] do
            local piece, why = sources[at]()
            if piece then return piece end
            if why then return nil, why end
            at = at + 1
        end
        return nil
    end
end

-- Sinks

function sink.table(list)
    list = list or {}
    return function(piece)
        if piece then list[#list + 1] = piece end
        return 1
    end, list
end

--- A sink that may name its successor becomes one that does not.
function sink.simplify(fancy)
    if not fancy then error("no sink", 2) end
    return function(piece, why)
        local taken, other = fancy(piece, why)
        if not taken then return nil, other end
        fancy = other or fancy
        return 1
    end
end

function sink.file(handle, why)
    if not handle then return sink.error(why or "unable to open file") end
    return function(piece)
        if piece then return handle:write(piece) end
        handle:close()
        return 1
    end
end

local function swallow() return 1 end

function sink.null() return swallow end

function sink.error(why)
    return function() return nil, why end
end

function sink.chain(transform, inner)
    if not (transform and inner) then error("a filter and a sink are needed", 2) end
    return function(piece, why)
        if why then return inner(nil, why) end
        if piece == "" then return 1 end
        local out = transform(piece)
        if piece ~= nil then
            if out == "" or out == nil then return 1 end
            return inner(out, why)
        end
        while out ~= nil do
            if out ~= "" then
                local taken, trouble = inner(out, why)
                if not taken then return nil, trouble end
            end
            out = transform(nil)
        end
        return inner(nil, why)
    end
end

-- Pumps

function pump.step(from, to)
    local piece, source_error = from()
    local taken, sink_error = to(piece, source_error)
    if piece and taken then return 1 end
    return nil, source_error or sink_error
end

function pump.all(from, to, step)
    if not (from and to) then error("a source and a sink are needed", 2) end
    step = step or pump.step
    while true do
        local going, why = step(from, to)
        if not going then
            if why then return nil, why end
            return 1
        end
    end
end

return M
