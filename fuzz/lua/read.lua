-- Reads everything of a message in every way there is, and writes some of it.
local HEADERS = {"Uuid", "Timestamp", "Type", "Logger", "Severity", "Payload", "EnvVersion", "Pid", "Hostname", "raw"}

function process_message()
    local raw = read_message("raw")
    for _, header in ipairs(HEADERS) do read_message(header) end
    local count = 0
    while true do
        local kind, name, value, representation, values = read_next_field()
        if not kind then break end
        count = count + 1
        if not string.find(name, "%z") then
            assert(values == 0 or value ~= nil or kind == 1, "a field has values but no first one")
            local variable = "Fields[" .. name .. "]"
            for index = 0, 3 do
                for element = 0, 3 do read_message(variable, index, element) end
            end
            local place = count % 3
            pcall(write_message, variable, value, representation, place)
            pcall(write_message, variable, count, nil, 0, place)
            pcall(write_message, variable, nil, nil, place)
        end
        if count > 500 then break end
    end
    for _, header in ipairs(HEADERS) do pcall(write_message, header, raw) end
    local ok, decoded = pcall(decode_message, raw)
    if ok then assert(decoded.Uuid and decoded.Timestamp) end
    add_to_payload(count, ok and " decoded" or " refused")
    inject_payload()
    return 0
end
