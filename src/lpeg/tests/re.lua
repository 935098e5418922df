-- The re module by its manual.

local lpeg = require "lpeg"
local re = require "re"
assert(_G.re == re)

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

is("12 14", re.find("the number 423 is odd", "[0-9]+"))
is('"the" "number" "is" "odd"', re.match("the number 423 is odd", "({%a+} / .)*"))
is('"423"', re.match("the number 423 is odd", "s <- {%d+} / . s"))
is('"h.ll. W.rld"', re.gsub("hello World", "[aeiou]", "."))
is("10", re.match("(a(b)(c))x", '  balanced <- "(" ([^()] / balanced)* ")"  '))
is('"9876543210"', re.compile("R <- (!.) -> '' / ({.} R) -> '%2%1'"):match "0123456789")
is("17", re.compile "longstring <- ('[' {:eq: '='* :} '[' close) close <- ']' =eq ']' / . close":match "[==[]]===]]]]==]===[]")
is('{1={1="hi"},2={1="hello"}}', re.match("hi hello", "l <- {| (name s)* |} name <- {| {[a-z]+} |} s <- %s*"))
is('{1={1="hi",tag="id"},tag="list"}', re.match("hi", "x <- {| {:tag: '' -> 'list':} (name ' '*)* |} name <- {| {:tag: '' -> 'id':} {[a-z]+} |}"))

local csv = re.compile [[
  record <- {| field (',' field)* |} (%nl / !.)  -- a comment
  field <- escaped / nonescaped
  nonescaped <- { [^,"%nl]* }
  escaped <- '"' {~ ([^"] / '""' -> '"')* ~} '"'
]]
is('{1="a",2="b \\"c\\"",3=""}', csv:match 'a,"b ""c""",')

local blocks = re.compile [[
  block <- {| {:ident:' '*:} line ((=ident !' ' line) / &(=ident ' ') block)* |}
  line <- {[^%nl]*} %nl
]]
is('{1="one",2={1="two",2="three",ident="  "},3="four",ident=""}', blocks:match "one\n  two\n  three\nfour\n")

is('"a * b + f(x)"', re.match("add(mul(a,b), apply(f,x))", [[
  text <- {~ item* ~}
  item <- macro / [^()] / '(' item* ')'
  arg <- ' '* {~ (!',' item)* ~}
  args <- '(' arg (',' arg)* ')'
  macro <- ('apply' args) -> '%1(%2)' / ('add' args) -> '%1 + %2' / ('mul' args) -> '%1 * %2'
]]))

-- Single constructions
is("1 2", re.match("x", "{} . {}"))
is("4", re.match("aaaa", "'a'^3"))
is("nil", re.match("aa", "'a'^3"))
is("5", re.match("aaaa", "'a'^+2"))
is("3", re.match("aaaa", "'a'^-2"))
is("1", re.match("aaaa", "'a'^0"))
is("4", re.match("a-]", "[]a-]+"))
is("3", re.match("b%", "[b%]+"))
is("2", re.match("-", "[^%w]"))
is("nil", re.match("_", "[^_%w]"))
is('"b"', re.match("ab", "({.} {.}) -> 2"))
is('"ba"', re.match("ab", "({.} {.}) -> '%2%1'"))
is('{1="a"}', re.match("a", "{.} -> {}"))
is('"A"', re.compile("{.} -> up", {up = string.upper}):match "a")
is('"v"', re.compile("{.} -> t", {t = {a = "v"}}):match "a")
is("2", re.compile("{.} => f", {f = function(_, i) return i end}):match "a" and 2)
is("3", re.compile("%pair", {pair = lpeg.P "ab"}):match "ab")
is("3", re.match("ab", "&'a' . !'a' ."))
is('"a" "b"', re.match("ab", "{: {.} {.} :}"))
is("3", re.match("xx", "s <- <x> <x>  x <- 'x'"))
is("4", re.match("aXa", "{:q: . :} 'X' =q") and 4)
is("nil", re.match("aXb", "{:q: . :} 'X' =q"))
is("3 4", re.find("xxab", "'ab'"))
is("nil", re.find("xx", "'ab'"))
is("5 5", re.find("a b a", "'a'", 2))
is("5 5", re.find("a b a", "'a'", -2))
is('"<a><b>"', re.gsub("ab", "{.}", "<%1>"))
is('"AB"', re.gsub("ab", "%l", string.upper))
local compiled = re.compile "'a'"
assert(re.compile(compiled) == compiled)
is("2", re.match("a", compiled))
is("2", re.match("a", "'a' -- comment"))
is("1", re.match("a", ""))
re.updatelocale()
is("2", re.match("a", "%a"))

-- Errors
fails("pattern error near '*'", re.compile, "*")
fails("pattern error near '(a'", re.compile, "'x' (a")
fails("pattern error near ')'", re.compile, "'x' )")
fails("pattern error near ''x'", re.compile, "'x")
fails("pattern error near '$abcdefghijklmnopqrst...'", re.compile, "$abcdefghijklmnopqrstuvwxyz")
fails("undefined name: f", re.compile, ". -> f")
fails("name 'zz' undefined", re.compile, "%zz")
fails("name 'zz' undefined", re.compile, "[%zz]")
fails("rule 'x' used outside a grammar", re.compile, "x")
fails("rule 'y' undefined in given grammar", re.compile, "x <- y")
fails("'x' already defined as a rule", re.compile, "x <- 'a' x <- 'b'")
fails("rule 'x' may be left recursive", re.compile, "x <- x 'a'")
fails("loop body may accept empty string", re.compile, "''*")
