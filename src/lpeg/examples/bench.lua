-- Matches an nginx access log (combined format) and prints the CPU time per million lines.
--
--   lua5.1 bench.lua access.log [PASSES]                                (LPeg in C)
--   cargo run --release -p heka-lpeg --example lua -- bench.lua access.log [PASSES]
--
-- The grammar is of the usual make: one table of named fields, numbers converted, the date a table of its own.

local lpeg = require "lpeg"
local P, R, S, C, Cg, Ct, Cs, Cf, Cmt = lpeg.P, lpeg.R, lpeg.S, lpeg.C, lpeg.Cg, lpeg.Ct, lpeg.Cs, lpeg.Cf, lpeg.Cmt

local digit = R "09"
local function number(pattern, name) return Cg(pattern / tonumber, name) end
local function field(name, stop) return Cg((P(1) - stop)^0, name) end

local months = {Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12}
local month = C(R "AZ" * R "az" * R "az") / months
local date = Ct(number(digit * digit, "day") * "/" * Cg(month, "month") * "/" * number(digit * digit * digit * digit, "year")
  * ":" * number(digit * digit, "hour") * ":" * number(digit * digit, "min") * ":" * number(digit * digit, "sec")
  * " " * Cg(S "+-" * digit^4, "zone"))

local octet = digit * digit^-2
local address = octet * "." * octet * "." * octet * "." * octet
local line = Ct(Cg(address, "remote_addr") * " - " * field("remote_user", " ") * " [" * Cg(date, "time") * "] \""
  * field("request", '"') * '" ' * number(digit^1, "status") * " " * number(digit^1, "body_bytes_sent")
  * ' "' * field("http_referer", '"') * '" "' * field("http_user_agent", '"') * '"' * -1)

local flat = address * " - " * C((1 - P " ")^0) * " [" * C((1 - P "]")^0) * '] "' * C((1 - P '"')^0) * '" ' * C(digit^1)
  * " " * C(digit^1) * ' "' * C((1 - P '"')^0) * '" "' * C((1 - P '"')^0) * '"'

local silent = flat / 0

local pairs_of = Cf(Ct "" * (Cg(C((1 - S "= ")^1) * "=" * C((1 - P " ")^0)) + (1 - P " ")^1 * " " + P " ")^0, rawset)

local words = Ct((C(R("az", "AZ")^1) + 1)^0)

local upper = Cs((R "az"^1 / string.upper + 1)^0)

local search = P {Cmt(C "Firefox/" , function(_, i) return i end) + 1 * lpeg.V(1)}

local patterns = {
  {"table of named fields", line}, {"positional captures", flat}, {"no captures", silent}, {"fold into table", pairs_of},
  {"list of words", words}, {"substitution", upper}, {"search", search},
}

-- Lines are read a thousand at a time and only the matching is timed, so that the heap stays as small as a sandbox's.
local function chunks(path)
  local file = assert(io.open(path))
  return function()
    local lines = {}
    for n = 1, 1000 do lines[n] = file:read() end
    if #lines > 0 then return lines end
    file:close()
  end
end

local match, clock = lpeg.match, os.clock

local function spend(pattern)
  local spent, count = 0, 0
  collectgarbage()
  for lines in chunks(arg[1]) do
    local start = clock()
    for n = 1, #lines do match(pattern, lines[n]) end
    spent = spent + clock() - start
    count = count + #lines
  end
  return spent / count * 1e6
end

assert(match(line, chunks(arg[1])()[1]), "the log is not in the combined format")
-- The least of several passes: others use the machine too.
for _, entry in ipairs(patterns) do
  local name, pattern = entry[1], entry[2]
  local best = math.huge
  for _ = 1, tonumber(arg[2] or 3) do best = math.min(best, spend(pattern)) end
  print(string.format("%-24s %7.3f CPU s per million", name, best))
end
