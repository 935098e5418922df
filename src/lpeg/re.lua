-- The re module: a regular expression syntax for LPeg patterns.
--
-- The text is read by a recursive descent parser whose words are LPeg patterns (a sandbox may not have the string
-- library). Each parsing function takes the text and a position and returns, if it succeeds, a function that builds
-- the pattern and the position after the construction. Nothing is built before all of the text has been read, so that
-- a syntax error is reported before an undefined name. Where constructions begin alike they are tried in turn.

local lpeg = lpeg or require "lpeg"
local error, setmetatable, tonumber, tostring, type = error, setmetatable, tonumber, tostring, type

local P, S, R, C, Cp, match = lpeg.P, lpeg.S, lpeg.R, lpeg.C, lpeg.Cp, lpeg.match
local any = P(1)

-- The classes of %name. Names of one letter are those of Lua's string library, capital letters their complements.
local classes
-- Compiled patterns by source: for match, for find, and for gsub by replacement.
local matchers, finders, substituters

local weak = {__mode = "v"}

local function updatelocale()
  classes = {nl = P "\n"}
  local named = lpeg.locale()
  local letters = {
    a = "alpha", c = "cntrl", d = "digit", g = "graph", l = "lower", p = "punct", s = "space", u = "upper",
    w = "alnum", x = "xdigit",
  }
  local capitals = {a = "A", c = "C", d = "D", g = "G", l = "L", p = "P", s = "S", u = "U", w = "W", x = "X"}
  for letter, name in next, letters do
    classes[letter] = named[name]
    classes[capitals[letter]] = any - named[name]
  end
  matchers = setmetatable({}, weak)
  finders = setmetatable({}, weak)
  substituters = setmetatable({}, weak)
end

updatelocale()

-- Words: each matches with the space and the comments after it.

local space = (S " \t\n\v\f\r" + "--" * (any - "\n")^0)^0
local identifier = R("az", "AZ", "__") * R("az", "AZ", "__", "09")^0
local arrow = P "<-"
local quoted = "'" * C((any - "'")^0) * "'" + '"' * C((any - '"')^0) * '"'

local skip_space = space
local word = {}
for _, text in next, {"/", "&", "!", "(", "{:", ":", "=", "{~", "{|", "{", "->", "=>", "<-", "{}"} do
  word[text] = text * space
end
-- What closes a construction may be followed by a suffix at once; space is skipped there.
for _, text in next, {")", ":}", "~}", "|}", "}"} do word[text] = P(text) end
local name_word = C(identifier) * Cp()
local definition_start = C(identifier) * space * arrow * space * Cp()
local after_sequence = #(S "/)}" + ":}" + "~}" + "|}" + identifier * space * arrow + -any)

local function syntax_error(s, i)
  local rest = match(C(any^-21), s, i)
  if match(any^20, s, i) then rest = match(C(any * any^-20), s, i) .. "..." end
  error("pattern error near '" .. rest .. "'", 0)
end

local function get_definition(name, defs)
  local value = defs and defs[name]
  if not value then error("undefined name: " .. name) end
  return value
end

local function get_class(name, defs)
  local value = defs and defs[name] or classes[name]
  if not value then error("name '" .. name .. "' undefined") end
  return value
end

-- The text that a back reference stands for, at the position after it.
local function same_text(s, i, value)
  if type(value) ~= "string" then return nil end
  return match(P(value), s, i) or false
end

local function repeated(pattern, n)
  local result = P(true)
  for _ = 1, n do result = result * pattern end
  return result
end

local expression

-- [...]

local class_item
do
  local class_name = "%" * name_word
  local range = C(any) * "-" * C(any - "]") * Cp()
  local single = C(any) * Cp()
  function class_item(s, i)
    local name, after = match(class_name, s, i)
    if name then return function(defs) return get_class(name, defs) end, after end
    local from, to
    from, to, after = match(range, s, i)
    if from then return function() return R(from .. to) end, after end
    from, after = match(single, s, i)
    if from then return function() return from end, after end
  end
end

local function class(s, i)
  local negated, at = match("[" * C(P "^"^-1) * Cp(), s, i)
  if not negated then return nil end
  local items, n = {}, 0
  repeat
    local item, after = class_item(s, at)
    if not item then return nil end
    n = n + 1
    items[n], at = item, after
  until match(P "]", s, at)
  return function(defs)
    local set = P(items[1](defs))
    for k = 2, n do set = set + items[k](defs) end
    if negated == "^" then set = any - set end
    return set
  end, at + 1
end

-- open expression close
local function enclosed(open, close, build)
  return function(s, i)
    local at = match(word[open], s, i)
    if not at then return nil end
    local inner, after = expression(s, at)
    after = match(word[close], s, after)
    if after then return function(defs, rules) return build(inner(defs, rules)) end, after end
  end
end

local function itself(pattern) return pattern end

local literal
do
  local text = quoted * Cp()
  function literal(s, i)
    local value, after = match(text, s, i)
    if value then return function() return P(value) end, after end
  end
end

local defined
do
  local percent_name = "%" * name_word
  function defined(s, i)
    local name, after = match(percent_name, s, i)
    if name then return function(defs) return P(get_class(name, defs)) end, after end
  end
end

local named_group
do
  local start = "{:" * C(identifier) * ":" * Cp()
  local anonymous = enclosed("{:", ":}", lpeg.Cg)
  function named_group(s, i)
    local name, at = match(start, s, i)
    if not name then return anonymous(s, i) end
    local inner, after = expression(s, at)
    after = match(word[":}"], s, after)
    if after then return function(defs, rules) return lpeg.Cg(inner(defs, rules), name) end, after end
  end
end

local back_reference
do
  local reference = "=" * name_word
  function back_reference(s, i)
    local name, after = match(reference, s, i)
    if name then return function() return lpeg.Cmt(lpeg.Cb(name), same_text) end, after end
  end
end

local function position(s, i)
  local after = match(P "{}", s, i)
  if after then return Cp, after end
end

local function dot(s, i)
  local after = match(P ".", s, i)
  if after then return function() return any end, after end
end

local non_terminal
do
  local plain = C(identifier) * Cp() * space * -arrow
  local bracketed = "<" * C(identifier) * ">" * Cp()
  function non_terminal(s, i)
    local name, after = match(plain, s, i)
    if not name then name, after = match(bracketed, s, i) end
    if not name then return nil end
    return function(_, rules)
      if not rules then error("rule '" .. name .. "' used outside a grammar") end
      return lpeg.V(name)
    end, after
  end
end

local primaries = {
  enclosed("(", ")", itself), literal, class, defined, named_group, back_reference, position,
  enclosed("{~", "~}", lpeg.Cs), enclosed("{|", "|}", lpeg.Ct), enclosed("{", "}", C), dot, non_terminal,
}

local function primary(s, i)
  for k = 1, #primaries do
    local build, after = primaries[k](s, i)
    if build then return build, after end
  end
end

-- What may follow a primary. Each function returns one that changes the pattern built so far.

local suffixes
do
  local powers = {["*"] = 0, ["+"] = 1, ["?"] = -1}
  local power_sign = C(S "*+?") * Cp()
  local exactly = "^" * C(R "09"^1) * Cp()
  local limits = "^" * C(S "+-" * R "09"^1) * Cp()
  local value = "->" * space * (quoted + R "09"^1 / tonumber) * Cp()
  local to_table = "->" * space * "{}" * Cp()
  local to_name = "->" * space * name_word
  local at_match = "=>" * space * name_word

  local function power(n) return function(p) return p^n end end

  suffixes = {
    function(s, i)
      local sign, after = match(power_sign, s, i)
      if sign then return power(powers[sign]), after end
    end,
    function(s, i)
      local count, after = match(exactly, s, i)
      if count then return function(p) return repeated(p, tonumber(count)) end, after end
    end,
    function(s, i)
      local limit, after = match(limits, s, i)
      if limit then return power(limit), after end
    end,
    function(s, i)
      local text, after = match(value, s, i)
      if text then return function(p) return p / text end, after end
    end,
    function(s, i)
      local after = match(to_table, s, i)
      if after then return lpeg.Ct, after end
    end,
    function(s, i)
      local name, after = match(to_name, s, i)
      if name then return function(p, defs) return p / get_definition(name, defs) end, after end
    end,
    function(s, i)
      local name, after = match(at_match, s, i)
      if name then return function(p, defs) return lpeg.Cmt(p, get_definition(name, defs)) end, after end
    end,
  }
end

local function one_suffix(s, i)
  for k = 1, #suffixes do
    local change, after = suffixes[k](s, i)
    if change then return change, match(skip_space, s, after) end
  end
end

local function suffixed(s, i)
  local build, at = primary(s, i)
  if not build then return nil end
  at = match(skip_space, s, at)
  local changes, n = {}, 0
  local change, after = one_suffix(s, at)
  while change do
    n = n + 1
    changes[n], at = change, after
    change, after = one_suffix(s, at)
  end
  if n == 0 then return build, at end
  return function(defs, rules)
    local p = build(defs, rules)
    -- A plain function of LPeg would take the definitions for an argument of its own.
    for k = 1, n do
      if changes[k] == lpeg.Ct then p = lpeg.Ct(p) else p = changes[k](p, defs) end
    end
    return p
  end, at
end

local function prefixed(s, i)
  local at = match(word["&"], s, i)
  local negated = not at and match(word["!"], s, i)
  if not at and not negated then return suffixed(s, i) end
  local build, after = prefixed(s, at or negated)
  if not build then return nil end
  return function(defs, rules)
    local p = P(build(defs, rules))
    if negated then return -p end
    return #p
  end, after
end

local function sequence(s, i)
  local parts, n = {}, 0
  local build, after = prefixed(s, i)
  while build do
    n = n + 1
    parts[n], i = build, after
    build, after = prefixed(s, i)
  end
  if not match(after_sequence, s, i) then syntax_error(s, i) end
  return function(defs, rules)
    local p = P(true)
    for k = 1, n do p = p * parts[k](defs, rules) end
    return p
  end, i
end

local function alternatives(s, i)
  local parts, n = {}, 1
  local build, at = sequence(s, i)
  parts[1] = build
  local after = match(word["/"], s, at)
  while after do
    n = n + 1
    parts[n], at = sequence(s, after)
    after = match(word["/"], s, at)
  end
  return function(defs, rules)
    local p = parts[1](defs, rules)
    for k = 2, n do p = p + parts[k](defs, rules) end
    return p
  end, at
end

local function grammar(s, i)
  local names, bodies, n = {}, {}, 0
  local name, at = match(definition_start, s, i)
  while name do
    n = n + 1
    names[n] = name
    bodies[n], i = expression(s, at)
    name, at = match(definition_start, s, i)
  end
  if n == 0 then return nil end
  return function(defs)
    local rules = {names[1]}
    for k = 1, n do
      local body = bodies[k](defs, true)
      if rules[names[k]] then error("'" .. names[k] .. "' already defined as a rule") end
      rules[names[k]] = body
    end
    return P(rules)
  end, i
end

function expression(s, i)
  i = match(skip_space, s, i)
  local build, after = grammar(s, i)
  if build then return build, after end
  return alternatives(s, i)
end

-- The module.

local function compile(source, defs)
  if lpeg.type(source) == "pattern" then return source end
  if type(source) == "number" then source = tostring(source) end
  if type(source) ~= "string" then
    error("bad argument #1 to 'match' (string expected, got " .. (source == nil and "nil" or type(source)) .. ")", 2)
  end
  local build, after = expression(source, 1)
  if not match(-any, source, after) then syntax_error(source, after) end
  return P(build(defs, false))
end

local function find_or_compile(cache, source, make)
  local compiled = cache[source]
  if not compiled then
    compiled = make(source)
    cache[source] = compiled
  end
  return compiled
end

local function re_match(subject, source, init)
  return match(find_or_compile(matchers, source, compile), subject, init or 1)
end

local function finder(source)
  return P {Cp() * (compile(source) / 0) * Cp() + 1 * lpeg.V(1)}
end

local function find(subject, source, init)
  local from, after = match(find_or_compile(finders, source, finder), subject, init or 1)
  if from then return from, after - 1 end
  return from
end

local function gsub(subject, source, replacement)
  local by_replacement = substituters[source]
  if not by_replacement then
    by_replacement = setmetatable({}, weak)
    substituters[source] = by_replacement
  end
  local compiled = by_replacement[replacement]
  if not compiled then
    compiled = lpeg.Cs((compile(source) / replacement + 1)^0)
    by_replacement[replacement] = compiled
  end
  return match(compiled, subject)
end

return {compile = compile, match = re_match, find = find, gsub = gsub, updatelocale = updatelocale}
