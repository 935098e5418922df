-- Decodes JSON and shows the value: type by type, names in the order of their bytes.
require "cjson"
cjson.encode_number_precision(17)

local show

local function show_table(value)
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys)
    local parts = {}
    for i, key in ipairs(keys) do parts[i] = show(key) .. show(value[key]) end
    return "{" .. table.concat(parts) .. "}"
end

function show(value)
    local kind = type(value)
    if kind == "string" then return "s" .. #value .. ":" .. value end
    if kind == "number" then return string.format("n%.17g;", value) end
    if kind == "table" then return show_table(value) end
    return tostring(value) .. ";"
end

function process_message()
    local ok, value = pcall(cjson.decode, read_message("raw"))
    if not ok then return 1, value end
    local shown = show(value)
    local fine, text = pcall(cjson.encode, value)
    if fine then
        local again = show(cjson.decode(text))
        assert(again == shown, text)
    end
    inject_payload("txt", "", shown)
    return 0
end
