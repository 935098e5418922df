-- What the other scripts read the fuzzer's bytes with. Behind the last byte come zeros.
require "string"
require "table"
require "math"

local data, at

function start(text)
    data, at = text or "", 1
end

function is_over()
    return at > #data
end

function byte()
    local value = string.byte(data, at) or 0
    at = at + 1
    return value
end

function bytes(most)
    local count = byte() % (most + 1)
    local value = string.sub(data, at, at + count - 1)
    at = at + count
    return value
end

function rest()
    local value = string.sub(data, at)
    at = #data + 1
    return value
end

function number()
    local kind = byte() % 6
    if kind == 0 then return byte() end
    if kind == 1 then return byte() - 128.5 end
    if kind == 2 then return (byte() - 128) * 2 ^ (byte() % 80) end
    if kind == 3 then return 0 / 0 end
    if kind == 4 then return (byte() % 2 * 2 - 1) * math.huge end
    return (byte() - 128) / 2 ^ byte()
end
