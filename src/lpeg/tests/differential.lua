-- Makes random patterns from a seed, matches random subjects, and returns or prints one line for each outcome. Two
-- implementations of LPeg for the same Lua must give the same text.
--
-- Arguments: SEED PATTERNS SUBJECTS [print [DEPTH]]

local lpeg = require "lpeg"
local seed, patterns, subjects, output, depth = ...
seed, patterns, subjects, depth = tonumber(seed), tonumber(patterns), tonumber(subjects), tonumber(depth or 5)
lpeg.setmaxstack(20000)

-- A linear congruential generator whose products stay exact in doubles.
local state
local function random(n)
  state = state * 16807 % 2147483647
  return state % n + 1
end
local function pick(list) return list[random(#list)] end

-- What the patterns may refer to, by name, so that a pattern can be shown as source text.

local env = {lpeg = lpeg, tonumber = tonumber, rawset = rawset}
for name, value in pairs(lpeg) do env[name] = value end
env.upper = string.upper
function env.same(...) return ... end
function env.count(...) return select("#", ...) end
function env.none() end
function env.null() return nil end
function env.no() return false end
function env.several(a) return 1, a, true, "z" end
function env.join(a, b)
  local function text(v) return type(v) == "table" and "table" or tostring(v) end
  return text(a) .. text(b)
end
function env.wrapped(...) return {...} end
function env.inner(...) return lpeg.match(lpeg.C(1)^0 * lpeg.Cc(...), "xyz") end
env.map = {a = "A", b = 2, ab = false, aa = {1, 2}, [1] = "one", [true] = "t"}
function env.stay(_, _, ...) return true, ... end
function env.here(_, i) return i end
function env.ahead(_, i) return i + 1, "ahead" end
function env.even(_, i, ...) return i % 2 == 0, ... end
function env.fail() return false end
function env.counted(_, i, ...) return i, select("#", ...), ... end
function env.back(_, i) return i - 1 end
function env.rematch(s, i, ...) return lpeg.match(lpeg.P "a"^0 * lpeg.Cp(), s, i), ... end

local texts = {'""', '"a"', '"b"', '"c"', '"ab"', '"ba"', '"abc"', '"aa"', '"cab"'}
local sets = {'S"ab"', 'S"bc"', 'S""', 'R"ac"', 'R"bc"', 'R("aa","cc")', "P(1)", 'S"a"', "(1-S'a')", "(1-S'ab')"}
local names = {'"x"', '"y"', '"z"'}
local formats = {'"<%0>"', '"%1"', '"%2%1"', '"%1%%%0"', '"lit"', '"%9"', '"%"', '""'}
local functions = {
  "same", "count", "none", "null", "no", "several", "join", "wrapped", "inner", "tonumber", "upper", "rawset",
}
local hooks = {"stay", "here", "ahead", "even", "fail", "counted", "back", "rematch"}
local constants = {"1", '"k"', "nil", "true", "false", '"a"', "2.5", "1,2", "nil,3,nil", ""}

local expression

-- Whether match-time captures are left out. Inside of #p they make LPeg 1.0.2 fail an assertion of its own, as rules
-- inside of B(p) do.
local quiet = false

local function leaf(rules)
  local n = random(rules > 0 and 18 or 14)
  if n <= 5 then return "P" .. pick(texts) end
  if n <= 9 then return pick(sets) end
  if n == 10 then return "P(" .. (random(6) - 3) .. ")" end
  if n == 11 then return pick {"P(true)", "P(false)", "P(-1)", quiet and "P(1)" or "P(" .. pick(hooks) .. ")"} end
  if n == 12 then return "Cp()" end
  if n == 13 then return pick {"Cc(" .. pick(constants) .. ")", "Carg(" .. random(3) .. ")"} end
  if n == 14 then return "Cb(" .. pick(names) .. ")" end
  return "V(" .. random(rules) .. ")"
end

local unary = {
  function(p) return "C(" .. p .. ")" end,
  function(p) return "C(" .. p .. ")" end,
  function(p) return "Ct(" .. p .. ")" end,
  function(p) return "Cs(" .. p .. ")" end,
  function(p) return "Cg(" .. p .. ")" end,
  function(p) return "Cg(" .. p .. "," .. pick(names) .. ")" end,
  function(p) return "Ct(Cg(" .. p .. ',"x")*Cg(' .. leaf(0) .. ',"y")*Cg(C(1)^0,"z"))' end,
  function(p) return "(" .. p .. ")/" .. pick(formats) end,
  function(p) return "(" .. p .. ")/" .. (random(4) - 1) end,
  function(p) return "(" .. p .. ")/map" end,
  function(p) return "(" .. p .. ")/" .. pick(functions) end,
  function(p) return quiet and p or "Cmt(" .. p .. "," .. pick(hooks) .. ")" end,
  function(p) return "Cf(" .. p .. "," .. pick {"join", "same", "count", "rawset", "wrapped"} .. ")" end,
  function(p) return "-(" .. p .. ")" end,
  function(p) return "(" .. p .. ")^" .. (random(6) - 4) end,
  function(p) return "(" .. p .. ")^0" end,
  function(p) return "(" .. p .. ")^1" end,
  function(p) return "(" .. p .. "+1)^0" end,
  function(p) return "(1 - " .. p .. ")^0" end,
}

local function grammar(depth)
  local rules = {}
  for n = 1, random(3) do rules[n] = true end
  for n = 1, #rules do rules[n] = expression(depth - 1, #rules) end
  return "P{" .. table.concat(rules, ",") .. "}"
end

function expression(depth, rules)
  local n = random(12)
  if depth <= 0 or n == 1 then return leaf(rules) end
  if n <= 4 and random(9) == 1 then
    local outer = quiet
    quiet = true
    local body = expression(depth - 1, 0)
    quiet = outer
    return pick {"#", "B"} .. "(" .. body .. ")"
  end
  if n <= 4 then return pick(unary)(expression(depth - 1, rules)) end
  if n == 5 and rules == 0 then return grammar(depth) end
  local left, right = expression(depth - 1, rules), expression(depth - 1, rules)
  local operator = pick {"*", "*", "*", "+", "+", "-"}
  return "(P(" .. left .. ") " .. operator .. " " .. right .. ")"
end

local function subject()
  local text, letters = {}, pick {"abc", "ab", "aab", "a", "abcx1"}
  for n = 1, random(13) - 1 do
    local at = random(#letters)
    text[n] = letters:sub(at, at)
  end
  if random(20) == 1 then return table.concat(text):rep(5) end
  return table.concat(text)
end

-- Shows a value; tables in the order of their traversal, which is part of what must agree.
local function show(value, depth)
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) ~= "table" then
    return type(value) == "function" and "function" or tostring(value)
  end
  if depth > 6 then return "..." end
  local parts = {"#" .. #value}
  for k, v in pairs(value) do parts[#parts + 1] = show(k, depth + 1) .. "=" .. show(v, depth + 1) end
  return "{" .. table.concat(parts, " ") .. "}"
end

-- Error texts that differ between versions of LPeg by design.
local function plain(message)
  message = tostring(message):gsub("^[^\n]-:%d+: ", "")
  message = message:gsub("^%b[]: ", ""):gsub("^[^:]*differential%.lua:%d+: ", "")
  message = message:gsub("absent extra argument", "absent argument")
  if message:find("pending calls", 1, true) or message:find("backtrack stack overflow", 1, true) then
    message = "stack overflow"
  end
  if message:find("pattern have captures", 1, true) or message:find("may not have fixed length", 1, true) then
    message = "look-behind"
  end
  -- The rule named is where the limit on rules cuts the cycle, and the limits differ.
  return (message:gsub("rule '%d' may be left", "rule may be left"))
end

local lines = {}
local function report(label, ok, results)
  if not ok then
    lines[#lines + 1] = label .. " ! " .. plain(results)
    return
  end
  local parts = {}
  for n = 1, results.n do parts[n] = show(results[n], 0) end
  lines[#lines + 1] = label .. " = " .. table.concat(parts, ", ")
end

-- Many values must not go through pcall: a Lua 5.1 that checks its own API rejects that.
local function pack(...) return {n = select("#", ...), ...} end
local function match(...) return pack(lpeg.match(...)) end

for n = 1, patterns do
  state = (seed * 69621 + n * 9973) % 2147483646 + 1
  for _ = 1, 3 do random(2) end
  local source = expression(random(depth), 0)
  local chunk = assert(loadstring("return P(" .. source .. ")", "=pattern"))
  setfenv(chunk, env)
  local built, pattern = pcall(chunk)
  if not built then
    report(source, false, pattern)
  else
    for _ = 1, subjects do
      local text = subject()
      local init = random(4) == 1 and random(7) - 4 or 1
      local label = source .. " : " .. text .. " @ " .. init
      report(label, pcall(match, pattern, text, init, "first", 2))
    end
  end
end

local all = table.concat(lines, "\n") .. "\n"
if output == "print" then io.write(all) end
return all
