-- What the reference manual says, and the edges of it.

local lpeg = require "lpeg"
local P, S, R, V, B = lpeg.P, lpeg.S, lpeg.R, lpeg.V, lpeg.B
local C, Cc, Cp, Ct, Cs, Cg, Cb, Cf, Cmt, Carg = lpeg.C, lpeg.Cc, lpeg.Cp, lpeg.Ct, lpeg.Cs, lpeg.Cg, lpeg.Cb, lpeg.Cf, lpeg.Cmt, lpeg.Carg
local match = lpeg.match

local function show(v)
  if type(v) == "string" then return string.format("%q", v) end
  if type(v) ~= "table" then return tostring(v) end
  local parts, n = {}, 0
  for k in pairs(v) do n = n + 1; parts[n] = k end
  table.sort(parts, function(a, b) return tostring(a) < tostring(b) end)
  for i, k in ipairs(parts) do parts[i] = tostring(k) .. "=" .. show(v[k]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function is(expected, ...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = show((select(i, ...))) end
  local got = table.concat(parts, " ")
  if got ~= expected then error("expected " .. expected .. "\n     got " .. got, 2) end
end

local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  if ok then error("expected an error: " .. expected, 2) end
  message = tostring(message):gsub("^[^\n]-:%d+: ", "")
  if message ~= expected then error("expected " .. expected .. "\n     got " .. message, 2) end
end

-- Basic patterns
is("4", match("abc", "abcd"))
is("nil", match("abc", "abx"))
is("4", match(3, "abcd"))
is("nil", match(3, "ab"))
is("1", match(-1, ""))
is("nil", match(-3, "abc"))
is("1", match(-3, "ab"))
is("1", match(true, ""))
is("nil", match(false, "abc"))
is("1", match("", ""))
is("2", match(S "abc", "b"))
is("nil", match(S "", "b"))
is("nil", match(R(), "b"))
is("2", match(R("az", "09"), "5"))
is("nil", match(R "za", "m"))
is("3", match(P "\0\255", "\0\255"))
is("7", match(P "a"^0, "aaaaaab"))
is("nil", match(P "a"^3, "aa"))
is("3", match(P "a"^-2, "aaaa"))
is("1", match(P "a"^-2, "b"))
is("1", match(P(0)^-5, "b"))
is("5", match((P "ab" + "c")^2, "abcc"))
is("3", match(B "b" + P "ab", "ab"))
is("2", match(1 * B(P "a"), "ab"))
is("nil", match(B(1), "ab"))
is('"word"', match(P {-B(R "az") * C(R "az"^1) + 1 * V(1)}, "..word"))
is("1", match(#P "ab", "ab"))
is("nil", match(-P "ab", "ab"))
is("2", match(R "az" - "b", "a"))
is("nil", match(P "ab" - "a", "ab"))

-- Positions, types of arguments
is("3", match("a", "ba", 2))
is("3", match("a", "ba", -1))
is("nil", match("a", "ba", 99))
is("3", match("", "ba", 99))
is("2", match("b", "ba", -99))
is("nil", match("a", "ab", 0))
is("3", match("", "ab", 0))
is("3", match(P "12", 12))
is("3", (P "ab"):match "abc")
fails("bad argument #2 to '?' (string expected, got nil)", match, "a", nil)
fails("bad argument #2 to '?' (string expected, got no value)", match, "a")
fails("bad argument #1 to '?' (lpeg-pattern expected, got nil)", match, nil, "a")
fails("bad argument #1 to '?' (lpeg-pattern expected, got userdata)", match, io.stdout, "a")
fails("bad argument #3 to '?' (number expected, got string)", match, "a", "a", "x")
fails("bad argument #1 to '?' (value expected)", P)
fails("bad argument #1 to '?' (range must have two characters)", R, "abc")
fails("bad argument #2 to '?' (range must have two characters)", R, "ab", "c")
fails("bad argument #1 to '?' (non-nil value expected)", V, nil)
fails("bad argument #1 to '?' (invalid argument index)", Carg, 0)
fails("bad argument #1 to '?' (invalid argument index)", Carg, 32768)
fails("bad argument #1 to '?' (pattern have captures)", B, C "a")
fails("bad argument #1 to '?' (pattern may not have fixed length)", B, P "a"^0)
fails("bad argument #1 to '?' (pattern too long to look behind)", B, 256)
fails("bad argument #2 to '?' (function expected, got table)", Cf, "a", {})
fails("bad argument #2 to '?' (function expected, got no value)", Cmt, "a")
fails("bad argument #1 to '?' (string expected, got nil)", Cb, nil)
fails("bad argument #1 to '?' (table expected, got number)", lpeg.locale, 5)
fails("loop body may accept empty string", function() return P ""^0 end)
fails("loop body may accept empty string", function() return (P "a"^-1)^1 end)
fails("bad argument #1 to '?' (invalid number)", getmetatable(P(1)).__div, P "a", -1)
fails("bad argument #2 to '?' (invalid replacement value)", getmetatable(P(1)).__div, "a", true)

-- Types and names
is('"pattern" nil nil nil nil', lpeg.type(P "a"), lpeg.type "a", lpeg.type(nil), lpeg.type(io.stdout), lpeg.type())
is('"0.12"', lpeg.version())
is('"function" "function"', type(lpeg.ptree), type(lpeg.pcode))

-- Grammars
local balanced = P {"(" * ((1 - S "()") + V(1))^0 * ")"}
is("9", match(balanced, "(a(b)cd)x"))
is("nil", match(balanced, "(a(b)"))
local ab = P {
  "S",
  S = "a" * V "B" + "b" * V "A" + "",
  A = "a" * V "S" + "b" * V "A" * V "A",
  B = "b" * V "S" + "a" * V "B" * V "B",
}
is("7", match(ab * -1, "abbaab"))
is("3", match({[1] = P "a" * V(2), [2] = P "b"}, "ab"))
is("5", match({"r", r = P {"x" * V(1) + "y"} * "z"}, "xxyz"))
fails("grammar has no initial rule", P, {})
fails("initial rule 'x' is not a pattern", P, {"x", x = 5})
fails("initial rule '1' is not a pattern", P, {{}})
fails("rule 'r' is not a pattern", P, {P "a", r = 5})
fails("rule '(a table)' is not a pattern", P, {P "a", [{}] = 5})
fails("rule 'q' undefined in given grammar", P, {V "q"})
fails("rule '(a boolean)' undefined in given grammar", P, {V(true)})
fails("rule 'q' used outside a grammar", match, V "q", "")
fails("rule '1' may be left recursive", P, {V(1) * "a"})
fails("rule 'x' may be left recursive", P, {"x", x = P "a"^0 * V "y", y = -P "c" * V "x"})
fails("rule '1' may be left recursive", P, {#P {P "a"} * V(1)})
fails("empty loop in rule 'x'", P, {"x", x = V "y"^0, y = P ""})
do
  local rules = {P "a"}
  for i = 2, 200 do rules[i] = V(i - 1) end
  is("2", match(rules, "a"))
  rules[201] = P "b"
  fails("bad argument #1 to '?' (grammar has too many rules)", P, rules)
end

-- Simple captures
is('"abc" "a" "bc" "c"', match(C(C "a" * C("b" * C "c")), "abc"))
is('1 2', match(Cp() * "a" * Cp(), "a"))
is('1 nil false "x"', match(Cc(1, nil, false, "x"), ""))
is("nil", match(Cc(nil), ""))
is("1", match(Cc(), ""))
is('"e2" "e1"', match(Carg(2) * Carg(1), "", 1, "e1", "e2"))
fails("reference to absent argument #1", match, Carg(1), "", 1)
is('"a"', match(C "a" / 1, "a"))
is("2", match(C "a" / 0, "a"))
is('"b"', match(C "a" * C "b" / 2, "ab"))
fails("no capture '2'", match, C "a" / 2, "a")
is('"A"', match(C "a" / {a = "A"}, "a"))
is("2", match(C "a" / {}, "a"))
is("false", match(C "a" / {a = false}, "a"))
is('"meta"', match(P "a" / setmetatable({}, {__index = function() return "meta" end}), "a"))
is('2 "a" "b"', match(C "a" * C "b" / function(...) return select("#", ...), ... end, "ab"))
is('"ab"', match(P "ab" / function(...) return ... end, "ab"))
is("2", match(P "a" / function() end, "a"))
is("12 nil 255", match((R "09"^1 / tonumber) * (P "x" / tonumber) * (P "0xff" / tonumber), "12x0xff"))
is("0.1 1e+20", match((P(3) / tonumber) * (P(4) / tonumber), "0.11e20"))

-- String captures
is('"b-a-ab"', match(C "a" * C "b" / "%2-%1-%0", "ab"))
is('"100%"', match(P "a" / "100%%", "a"))
is('"ax"', match(C(C "a" * 1) / "%2x", "ab"))
is('"n5"', match(Cc(5) / "n%1", ""))
fails("invalid capture index (1)", match, P "a" / "%1", "a")
fails("no values in capture index 1", match, (P "a" / function() end) / "%1", "a")
fails("invalid capture value (a table)", match, Cc {} / "%1", "")
is('"x\\000"', match(P "a" / "x%", "a"))

-- Substitution
is('"bbnbnb"', match(Cs((P "a" / "b" + 1)^0), "banana"))
is('"[<a>][<b>]"', match(Cs((Cs(P(1) / "<%0>") / "[%1]")^0), "ab"))
is('""', match(Cs "", ""))
is('"1a"', match(Cs(Cp() * "a"), "a"))
is('"ab"', match(Cs((P "a" / function() end) * "b"), "ab"))
is('"5.5"', match(Cs(P "a" / function() return 5.5 end), "a"))
fails("invalid replacement value (a nil)", match, Cs(P "a" / function() return nil end), "a")
fails("invalid replacement value (a table)", match, Cs(P "a" / function() return {} end), "a")
is('"long ' .. string.rep("y", 5000) .. '"', match(Cs("long " * (P "x" / "y")^0), "long " .. string.rep("x", 5000)))

-- Groups and back references
is('{1="a",2="c",k="b"}', match(Ct(C "a" * Cg(C "b", "k") * C "c"), "abc"))
is('{k="ab"}', match(Ct(Cg("ab", "k")), "ab"))
is('{5="a"} "string"', match(Ct(Cg(C "a", 5)), "a"), type(next(match(Ct(Cg(C "a", 5)), "a"))))
is('"a" "b"', match(Cg(C "a" * C "b", "x") * Cb "x", "ab"))
is('"b"', match(Cg(C "a", "x") * Cg(C "b", "x") * Cb "x", "ab"))
is('"a" "a" "a"', match(Cg(C "a", "x") * Cb "x" * Cb "x" * Cb "x", "a"))
is('{1="a",x="a"}', match(Ct(Cg(C "a", "x") * Cb "x"), "a"))
is('"ab" "a"', match(Cg(C "a", "x") * C("b" * -P(1) * Cb "x") / function(b, a) return a .. b, a end, "ab"))
fails("back reference 'x' not found", match, Ct(Cg(C "a", "x")) * Cb "x", "a")
fails("back reference 'x' not found", match, Ct(Cg(Cb "x", "x")), "")
fails("back reference 'zz' not found", match, Cb "zz", "")

-- Folds
is("6", match(Cf(R "09" / tonumber * ("+" * (R "09" / tonumber))^0, function(a, b) return a + b end), "1+2+3"))
is('{a="1",b="2"}', match(Cf(Ct "" * Cg(C(1) * "=" * C(1) * P ","^-1)^0, rawset), "a=1,b=2"))
is('"0abcd"', match(Cf(Cc(0) * Cg(C(1) * C(1))^1, function(a, b, c) return a .. b .. c end), "abcd"))
fails("no initial value for fold capture", match, Cf(P "a", print), "a")
fails("bad argument #3 to '?' (value expected)", match, Cf(Ct "" * C(1)^0, rawset), "a")
fails("bad argument #1 to '?' (table expected, got number)", match, Cf(Cc(1) * Cg(C(1) * C(1)), rawset), "ab")

-- Match-time captures
is("100", match(Cmt(C(R "09"^1), function(_, _, c) return tonumber(c) < 100, c * 2 end), "50"))
is("nil", match(Cmt(C(R "09"^1), function(_, _, c) return tonumber(c) < 100, c * 2 end), "500"))
is('"moved" 3', match(Cmt(1, function(_, i) return i + 1, "moved" end) * Cp(), "abc"))
is("2", match(Cmt("a", function() return true end), "a"))
is('"saw a"', match(Cg(C "a", "g") * Cmt(Cb "g", function(_, i, v) return i, "saw " .. v end), "a"))
is('{1="a1",2="b"}', match(Cmt(Cmt(C "a", function(_, i, c) return i, c .. "1" end) * C "b", function(_, i, ...) return i, {...} end), "ab"))
is('"x" "y" 3', match((Cmt(C(1), function(_, i, c) return i, c end) * "!" + Cmt(C(1), function(_, i, c) return i, c end))^0 * Cp(), "xy"))
is('"n"', match(Cmt(C "a" * Cmt("b", function(_, i) return i, {} end) * "c", function() return false end) + Cc "n", "abc"))
fails("invalid position returned by match-time capture", match, function() return 99 end, "a")
fails("invalid position returned by match-time capture", match, 2 * P(function() return 1 end), "ab")
fails("invalid position returned by match-time capture", match, function() return "x" end, "ab")
fails("in function", match, Cmt("a", function() error("in function", 0) end), "a")

-- Values of patterns stay alive
do
  local p = Ct(Cg(C "a" / function(c) return {c} end, "k") * (P "b" / {b = "B"}) * Cc {} * (P "c" / "%0%0"))
  collectgarbage()
  collectgarbage()
  is('{1="B",2={},3="cc",k={1="a"}}', match(p, "abc"))
  p = (p * p)^1
  collectgarbage()
  is('{1="B",2={},3="cc",k={1="a"}} {1="B",2={},3="cc",k={1="a"}}', match(p, "abcabc"))
end

-- The order of fields is that of a table filled one by one
do
  local names = {}
  for n = 1, 30 do names[n] = ("name%d"):format(n * 7919 % 1000) end
  for count = 1, 30 do
    local p = P(true)
    for n = 1, count do p = p * Cg(Cc(n), names[n]) end
    p = Ct(p)
    for _ = 1, 3 do
      local made, plain = match(p, ""), {}
      for n = 1, count do plain[names[n]] = n end
      for late = 1, 3 do
        local a, b
        repeat
          a, b = next(made, a), next(plain, b)
          assert(a == b, "another order")
        until a == nil
        made["late" .. late], plain["late" .. late] = true, true
      end
    end
  end
end

-- Limits
lpeg.setmaxstack(100)
local nested = P {"(" * V(1)^-1 * ")"}
is("101", match(nested, ("("):rep(50) .. (")"):rep(50)))
fails("too many pending calls/choices", match, nested, ("("):rep(500) .. (")"):rep(500))
lpeg.setmaxstack(10000)
is("1001", match(nested, ("("):rep(500) .. (")"):rep(500)))
lpeg.setmaxstack(0)
is("101", match(nested, ("("):rep(50) .. (")"):rep(50)))
fails("too many pending calls/choices", match, nested, ("("):rep(500) .. (")"):rep(500))
fails("bad argument #1 to '?' (number expected, got string)", lpeg.setmaxstack, "x")
fails("stack overflow (too many captures)", match, C(1)^0, ("x"):rep(20000))
fails("stack overflow (too many runtime captures)", match, Cmt(1, function(_, i) return i, 1 end)^0, ("x"):rep(20000))
is("40000", #match(Ct((C(1) * Cp())^0), ("x"):rep(20000)))
lpeg.setmaxstack(1000000)
do
  local deep = P {"(" * Ct(V(1)^0) * ")"}
  local ok, message = pcall(match, deep, ("("):rep(100000) .. (")"):rep(100000))
  assert(not ok and (message:find "too deep" or message:find "too many captures"), message)
  local patterns = P "x"
  local built, why = pcall(function() for _ = 1, 100000 do patterns = C(patterns) end end)
  assert(not built and why:find "nested too deeply", why)
  assert(match(patterns, "x") == "x")
  -- Long chains are no nesting.
  local chain, choice = P "", P "zz"
  for _ = 1, 3000 do chain, choice = chain * "x", choice + "ab" end
  is("3001", match(chain, ("x"):rep(3000)))
  is("3", match(choice, "ab"))
end
lpeg.setmaxstack(100)

-- Matches within matches, and after errors
do
  local inner = Ct(C(1)^0)
  local outer = Cs((Cmt(C(R "az"^1), function(_, i, word)
    assert(#match(inner, word) == #word)
    assert(not pcall(match, P(1) / error, word))
    return i, word:upper()
  end) + (P(1) / function(c) return match(Cs(P(1) / "<%0>"), c) end))^0)
  for _ = 1, 50 do
    is('"AB< >CD"', match(outer, "ab cd"))
    pcall(match, C(1) * Cmt(1, error), "ab")
  end
  local thread = coroutine.wrap(function()
    for n = 1, 3 do coroutine.yield(match(Cs((R "az" / string.upper + 1)^0), "x" .. n)) end
  end)
  is('"X1" "X2" "X3"', thread(), thread(), thread())
end

-- Character classes
do
  local counts = {alnum = 62, alpha = 52, cntrl = 33, digit = 10, graph = 94, lower = 26, print = 95, punct = 32, space = 6, upper = 26, xdigit = 22}
  local classes = lpeg.locale()
  for name, count in pairs(counts) do
    local n = 0
    for byte = 0, 255 do n = n + (match(classes[name], string.char(byte)) and 1 or 0) end
    assert(n == count, name)
    counts[name] = nil
  end
  local t = {}
  assert(lpeg.locale(t) == t and lpeg.type(t.alpha) == "pattern")
end

-- Usual patterns
do
  local function split(s, sep)
    sep = P(sep)
    local item = C((1 - sep)^0)
    return match(Ct(item * (sep * item)^0), s)
  end
  is('{1="a",2="b",3="",4="c"}', split("a,b,,c", ","))
  is('{1="a",2="b",3=""}', split("a::b::", "::"))
  local field = '"' * Cs(((P(1) - '"') + P '""' / '"')^0) * '"' + C((1 - S ',\n"')^0)
  local record = Ct(field * ("," * field)^0) * (P "\n" + -1)
  is('{1="x, \\"y\\"",2="2"}', match(record, '"x, ""y""",2'))
  local comment = "/*" * (1 - P "*/")^0 * "*/"
  is("16", match(comment, "/* a ** * / b*/"))
  is("nil", match(comment, "/* a ** * / b*"))
  local open = "[" * Cg(P "="^0, "init") * "[" * P "\n"^-1
  local close = "]" * C(P "="^0) * "]"
  local same = Cmt(close * Cb "init", function(_, _, a, b) return a == b end)
  is('"a]=]b"', match(open * C((P(1) - same)^0) * close / 1, "[==[a]=]b]==]"))
  is("nil", match(P {C "needle" + 1 * V(1)}, ("x"):rep(20000)))
  is('"needle"', match(P {C "needle" + 1 * V(1)}, ("x"):rep(50000) .. "needle"))
end
