-- Unpacks data by a format, and packs the values again.
require "struct"

local function pack(next, format, ...)
    local ok, packed = pcall(struct.pack, format, ...)
    -- The length in front of a text of variable length is not among the values.
    if ok and not string.find(format, "c%s*0") and not string.find(format, "c$") then
        assert(#packed == next - 1, "packed to another length")
    end
end

local function unpacked(format, ok, ...)
    if not ok then return end
    local count = select("#", ...)
    local next = select(count, ...)
    local values = {...}
    pack(next, format, unpack(values, 1, count - 1))
end

function process_message()
    start(read_message("raw"))
    local format = bytes(60)
    local position = byte()
    local text = rest()
    local ok, size = pcall(struct.size, format)
    assert(not ok or size >= 0)
    unpacked(format, pcall(struct.unpack, format, text))
    pcall(struct.unpack, format, text, position - 100)
    pcall(struct.unpack, format, text, (position - 100) * 1e17)
    pcall(struct.pack, format, text, position, text, 0 / 0, 1e300, -1e300, text)
    return 0
end
