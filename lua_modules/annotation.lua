-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Annotations: notes at points in time, which a dashboard draws on a graph.
--
-- create(ns, col, stext, text)       a new annotation
-- add(name, ns, col, stext, text)    creates one and keeps it under a name
-- concat(name, annotations)          keeps the annotations of an array under a name
-- prune(name, ns)                    drops those too old at this time; the JSON line of what is left, nil for a new name
-- set_prune(name, ns)                how long annotations are kept, a day unless set
-- remove(name)                       forgets a name
--
-- All is kept in the global _ANNOTATIONS, so a plugin that preserves its data keeps it.

local cjson = require "cjson"
local math  = require "math"

_ANNOTATIONS = {}

local M = {}

local DAY = 86400 * 1e9

-- What is kept under a name. Data preserved by old versions of Heka is a bare array with the duration as a member.
local function entry(name)
    local found = _ANNOTATIONS[name]
    if found and not found.annotations then
        local duration = found._prune_duration
        found._prune_duration = nil
        found = {annotations = found, prune_duration = duration or DAY}
        _ANNOTATIONS[name] = found
    end
    return found
end

local function entry_or_new(name)
    local found = entry(name)
    if not found then
        found = {annotations = {}, prune_duration = DAY}
        _ANNOTATIONS[name] = found
    end
    return found
end

function M.create(ns, col, stext, text)
    return {x = math.floor(ns / 1e6), col = col, shortText = stext, text = text}
end

function M.add(name, ns, col, stext, text)
    local annotations = entry_or_new(name).annotations
    annotations[#annotations + 1] = M.create(ns, col, stext, text)
end

function M.concat(name, annotations)
    local kept = entry_or_new(name).annotations
    for _, annotation in ipairs(annotations) do
        kept[#kept + 1] = annotation
    end
end

function M.set_prune(name, ns)
    entry_or_new(name).prune_duration = ns
end

function M.remove(name)
    _ANNOTATIONS[name] = nil
end

function M.prune(name, ns)
    local found = entry(name)
    if not found then return end

    local annotations, last = found.annotations, 0
    for i = 1, #annotations do
        local annotation = annotations[i]
        annotations[i] = nil
        if annotation.x * 1e6 + found.prune_duration > ns then
            last = last + 1
            annotations[last] = annotation
        end
    end
    return cjson.encode({annotations = annotations}) .. "\n"
end

return M
