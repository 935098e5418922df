-- Makes a pattern of the fuzzer's bytes, in reverse Polish notation, and matches what is left with it.
require "lpeg"
local l = lpeg

local function pop(stack)
    return table.remove(stack) or l.P(true)
end

local NAMES = {"a", "b", "c"}

local function name()
    return NAMES[byte() % #NAMES + 1]
end

local function constant()
    local kind = byte() % 4
    if kind == 0 then return bytes(8) end
    if kind == 1 then return number() end
    if kind == 2 then return nil end
    return kind == 3
end

local FUNCTIONS = {
    tonumber, rawset, string.upper, function(...) return ... end, function() end,
    function(a, b) return b, a end, function() error("from a capture") end,
}

local MATCHING = {
    function(_, at) return at end, function() return false end, function(_, at, ...) return at, ... end,
    function(text, at) return byte() % (#text + 2) end, function(text) return l.match(l.P(1) ^ 0, text) end,
}

local STEPS = {
    function(s) return l.P(bytes(6)) end,
    function(s) return l.P(byte() % 5 - 2) end,
    function(s) return l.S(bytes(6)) end,
    function(s) return l.R(string.char(byte(), byte())) end,
    function(s) return pop(s) * pop(s) end,
    function(s) return pop(s) + pop(s) end,
    function(s) return pop(s) - pop(s) end,
    function(s) return pop(s) ^ (byte() % 7 - 3) end,
    function(s) return -pop(s) end,
    function(s) return #pop(s) end,
    function(s) return l.B(pop(s)) end,
    function(s) return l.C(pop(s)) end,
    function(s) return l.Ct(pop(s)) end,
    function(s) return l.Cg(pop(s), name()) end,
    function(s) return l.Cg(pop(s)) end,
    function(s) return l.Cs(pop(s)) end,
    function(s) return l.Cc(constant(), constant()) end,
    function(s) return l.Cp() end,
    function(s) return l.Cb(name()) end,
    function(s) return l.Carg(byte() % 3 + 1) end,
    function(s) return l.Cf(pop(s), FUNCTIONS[byte() % #FUNCTIONS + 1]) end,
    function(s) return l.Cmt(pop(s), MATCHING[byte() % #MATCHING + 1]) end,
    function(s) return pop(s) / FUNCTIONS[byte() % #FUNCTIONS + 1] end,
    function(s) return pop(s) / bytes(8) end,
    function(s) return pop(s) / {a = 1, b = "x", [""] = false} end,
    function(s) return pop(s) / (byte() % 4) end,
    function(s) return l.V(name()) end,
    function(s) return l.P {name(), a = pop(s), b = pop(s), c = pop(s)} end,
    function(s) local p = pop(s) s[#s + 1] = p return p end,
    function(s) l.setmaxstack(byte() * 10) return l.P(true) end,
}

function process_message()
    start(read_message("raw"))
    local steps, stack = byte() % 64, {}
    for _ = 1, steps do
        local step = STEPS[byte() % #STEPS + 1]
        local ok, pattern = pcall(step, stack)
        if ok and pattern then stack[#stack + 1] = pattern end
    end
    local subject = rest()
    if #stack > 0 then
        local pattern = pop(stack)
        pcall(l.match, pattern, subject, 1, "extra")
        pcall(l.match, pattern, string.rep(subject, 100))
    end
    return 0
end
