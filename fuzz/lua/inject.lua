-- Makes a table of the fuzzer's bytes and injects it.
require "circular_buffer"

local make_value

local function scalar()
    local kind = byte() % 8
    if kind < 2 then return bytes(200) end
    if kind < 4 then return number() end
    if kind < 6 then return kind == 4 end
    if kind == 6 then return circular_buffer.new(2, 1, 1) end
    return nil
end

-- Things that a metamethod may do to the message that is being read.
local function meddle(depth)
    local kind = byte() % 6
    if kind == 0 then add_to_payload("meddled") end
    if kind == 1 then inject_payload("txt", "meddled", "payload") end
    if kind == 2 then inject_message({Payload = bytes(20)}) end
    if kind == 3 then error("meddled") end
    return make_value(depth + 1)
end

local function with_metatable(value, depth)
    if byte() % 8 == 0 then
        setmetatable(value, {__index = function() return meddle(depth) end})
    end
    return value
end

function make_value(depth)
    local kind = byte() % 6
    if depth > 4 or kind < 2 then return scalar() end
    local value = {}
    if kind == 2 then
        for i = 1, byte() % 6 do value[i] = scalar() end
    elseif kind == 3 then
        value.value = make_value(depth + 1)
        if byte() % 2 == 0 then value.value_type = byte() % 7 - 1 end
        if byte() % 2 == 0 then value.representation = scalar() end
    elseif kind == 4 then
        for i = 1, byte() % 4 do
            local key = scalar()
            if key ~= nil and key == key then value[key] = make_value(depth + 1) end
        end
    else
        value.value = value
    end
    return with_metatable(value, depth)
end

local function fields()
    local value = {}
    local listed = byte() % 2 == 0
    for i = 1, byte() % 8 do
        if listed then
            value[i] = with_metatable({
                name = scalar(), value = make_value(0), value_type = byte() % 3 == 0 and byte() % 7 - 1 or nil,
                representation = byte() % 3 == 0 and bytes(10) or nil,
            }, 0)
        else
            local name = byte() % 10 == 0 and number() or bytes(10)
            if name == name then value[name] = make_value(0) end
        end
    end
    return with_metatable(value, 0)
end

local function message()
    local value = {}
    for _, header in ipairs {"Uuid", "Timestamp", "Type", "Logger", "Severity", "Payload", "EnvVersion", "Pid", "Hostname"} do
        if byte() % 3 == 0 then value[header] = scalar() end
    end
    if byte() % 4 > 0 then value.Fields = fields() else value.Fields = make_value(0) end
    return with_metatable(value, 0)
end

function process_message()
    start(read_message("raw"))
    repeat
        pcall(inject_message, message())
    until is_over()
    return 0
end
