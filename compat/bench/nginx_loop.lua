-- nginx_loop.lua LOG FORMAT COUNT: matches each line of LOG against the grammar of FORMAT; fails unless COUNT lines match.
local clf = require "common_log_format"
local grammar = clf.build_nginx_grammar(arg[2])
local count = 0
for line in io.lines(arg[1]) do
    if grammar:match(line) then count = count + 1 end
end
assert(count == tonumber(arg[3]), count .. " lines match")
