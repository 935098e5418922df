//! What the scripts try.

/// How an attempt must end.
#[derive(Debug)]
pub(crate) enum End {
    /// The plugin ends, and its message holds this.
    Terminated(&'static str),
    /// The script is refused what it wanted and says so.
    Refused,
}

/// An attempt: the body of `process_message`.
pub(crate) struct Attempt {
    /// The filter's name.
    pub(crate) name: &'static str,
    pub(crate) body: &'static str,
    pub(crate) end: End,
}

const fn ends(name: &'static str, body: &'static str, why: &'static str) -> Attempt {
    Attempt { name, body, end: End::Terminated(why) }
}

const fn refused(name: &'static str, body: &'static str) -> Attempt {
    Attempt { name, body, end: End::Refused }
}

/// In front of each script. `refused` reports that an attempt failed as it should.
pub(crate) const PRELUDE: &str = "require 'string' require 'table' require 'math' require 'os'
function refused(is, what)
    if is then inject_payload('txt', '', name .. ' refused') else inject_payload('txt', '', 'REACHED ' .. tostring(what)) end
    return 0
end";

const INSTRUCTIONS: &str = "instruction_limit exceeded";
const MEMORY: &str = "not enough memory";

pub(crate) const ATTEMPTS: &[Attempt] = &[
    // Loops.
    ends("endless_loop", "while true do end", INSTRUCTIONS),
    ends("endless_calls", "local function f() return f() end return f()", INSTRUCTIONS),
    ends("swallowing_loop", "while true do pcall(function() while true do end end) end", INSTRUCTIONS),
    ends("nested_swallowing", "local function f() pcall(f) f() end while true do pcall(f) end", "exceeded"),
    ends(
        "looping_handler",
        "xpcall(error, function() while true do end end) while true do end",
        INSTRUCTIONS,
    ),
    ends(
        "looping_tostring",
        "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
        INSTRUCTIONS,
    ),
    ends(
        "looping_index",
        "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
        INSTRUCTIONS,
    ),
    ends(
        "looping_sort",
        "local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() while true do end end)",
        INSTRUCTIONS,
    ),
    ends("looping_gsub", "string.gsub('aaa', 'a', function() while true do end end)", INSTRUCTIONS),
    ends(
        "looping_coroutine",
        "local co = require 'coroutine' while true do co.wrap(function() for i = 1, 9e5 do end end)() end",
        INSTRUCTIONS,
    ),
    ends(
        "coroutine_swarm",
        "local co = require 'coroutine' local t = {} while true do t[#t + 1] = co.create(function() co.yield() end) co.resume(t[#t]) end",
        MEMORY,
    ),
    ends(
        "lpeg_cmt_loop",
        "local l = require 'lpeg' l.Cmt(l.P(true), function() while true do end end):match('x')",
        INSTRUCTIONS,
    ),
    ends(
        "lpeg_function_loop",
        "local l = require 'lpeg'; (l.P(1) / function() while true do end end):match('x')",
        INSTRUCTIONS,
    ),
    ends("error_storm", "for i = 1, 1e9 do pcall(error, {i}) end", INSTRUCTIONS),
    // Memory.
    ends("memory_hog", "local t = {} for i = 1, 1e9 do t[i] = {i} end", MEMORY),
    ends(
        "swallowing_hog",
        "local t = {} while true do pcall(function() t[#t + 1] = string.rep('x', 1e6) end) end",
        INSTRUCTIONS,
    ),
    ends("empty_rep_loop", "while true do string.rep('', 2e9) end", INSTRUCTIONS),
    ends(
        "front_insert_loop",
        "local t = {} for i = 1, 1e4 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end",
        INSTRUCTIONS,
    ),
    ends(
        "sort_loop",
        "local t = {} for i = 1, 1e4 do t[i] = i end while true do table.sort(t) end",
        INSTRUCTIONS,
    ),
    ends("huge_rep", "local s = string.rep('x', 1e9)", MEMORY),
    ends("endless_rep", "local s = string.rep('x', 1e300) return s", "must return"),
    ends("doubling", "local s = 'x' while true do s = s .. s end", MEMORY),
    ends(
        "concat_bomb",
        "local t = {} for i = 1, 1000 do t[i] = string.rep('x', 1000) end for i = 1, 100 do t[i] = table.concat(t) end",
        MEMORY,
    ),
    ends("format_width", "string.format('%99999999d', 1)", "invalid format"),
    ends("format_precision", "string.format('%.99999f', 1)", "invalid format"),
    ends(
        "format_string",
        "local s = string.rep('%s', 5000) string.format(s, unpack({}, 1, 5000))",
        "bad argument #2 to 'format' (string expected, got nil)",
    ),
    ends("unpack_bomb", "return unpack({}, 1, 1e8)", "too many results to unpack"),
    ends("circular_buffer_size", "local c = require 'circular_buffer' c.new(2e9, 250, 1)", MEMORY),
    ends(
        "circular_buffer_overflow",
        "local c = require 'circular_buffer' c.new(2147483647, 2147483647, 1)",
        MEMORY,
    ),
    ends("bloom_filter_size", "local b = require 'bloom_filter' b.new(2e9, 1e-9)", MEMORY),
    ends("cuckoo_filter_size", "local c = require 'cuckoo_filter' c.new(2e9)", MEMORY),
    ends("sax_size", "local s = require 'sax' s.window.new(1e9, 2, 8)", "out of range"),
    ends("proxy_swarm", "newproxy(true)", "attempt to call global 'newproxy' (a nil value)"),
    ends(
        "looping_finalizer",
        "local c = require 'circular_buffer' local b = c.new(2, 1, 1) getmetatable(b).__gc = function() while true do end end",
        "attempt to index a nil value",
    ),
    // Work on long texts, which counts for few instructions.
    ends("rep_loop", "while true do string.rep('x', 1e6) end", INSTRUCTIONS),
    ends(
        "table_concat_loop",
        "local t = {} for i = 1, 1000 do t[i] = string.rep('x', 1000) end while true do table.concat(t) end",
        INSTRUCTIONS,
    ),
    ends("upper_loop", "local s = string.rep('x', 1e6) while true do s:upper() end", INSTRUCTIONS),
    ends("gsub_loop", "local s = string.rep('x', 1e6) while true do s:gsub('y', '') end", INSTRUCTIONS),
    // The native stack.
    ends("deep_recursion", "local function f() return 1 + f() end return f()", "stack overflow"),
    ends(
        "recursive_tostring",
        "local m = {} m.__tostring = function(t) return tostring(t) end return tostring(setmetatable({}, m))",
        "overflow",
    ),
    ends(
        "recursive_index",
        "local t = {} setmetatable(t, {__index = function(_, k) return t[k] end}) return t.x",
        "overflow",
    ),
    ends("recursive_pcall", "local function f() return pcall(f) end while true do f() end", INSTRUCTIONS),
    ends("index_chain", "local t = {} setmetatable(t, {__index = t}) return t.x", "loop in gettable"),
    ends(
        "pathological_pattern",
        "string.find(string.rep('a', 1e6), string.rep('a?', 1e5) .. 'b')",
        "pattern too complex",
    ),
    ends(
        "lpeg_depth",
        "local l = require 'lpeg' local p = l.P{ 'x' * l.V(1) * 'y' + 'z' } return p:match(string.rep('x', 1e5))",
        "too many pending calls/choices",
    ),
    ends(
        "lpeg_nesting",
        "local l = require 'lpeg' local p = l.P'x' for i = 1, 1e5 do p = p * l.P'x' + p end",
        MEMORY,
    ),
    ends(
        "cjson_depth",
        "local c = require 'cjson' c.decode(string.rep('[', 1e6))",
        "too many nested data structures",
    ),
    ends(
        "cjson_encode_depth",
        "local c = require 'cjson' local t = {} t[1] = t c.encode(t)",
        "excessive nesting",
    ),
    ends(
        "parenthesis_depth",
        "setfenv(1, setmetatable({}, {__index = function(t) return t end})) return a.b.c.d()()()",
        "attempt to call",
    ),
    ends(
        "struct_overflow",
        "local s = require 'struct' s.unpack('c2147483647', 'x', 2147483647)",
        "data string too short",
    ),
    ends(
        "struct_width",
        "local s = require 'struct' s.pack('i99', 1)",
        "integral size 99 is larger than limit of 32",
    ),
    ends(
        "struct_position",
        "local s = require 'struct' s.unpack('i4', 'abcd', -1e15)",
        "data string too short",
    ),
    // Ways out.
    refused(
        "bytecode",
        "return refused(loadstring == nil and load == nil and loadfile == nil and dofile == nil)",
    ),
    refused(
        "dumped_bytecode",
        "local ok, code = pcall(string.dump, function() end) return refused(pcall(require, code) == false and setfenv ~= nil)",
    ),
    refused(
        "require_path",
        "for _, m in ipairs{'../../etc/passwd', '/etc/passwd', '..secret', './secret', 'secret\\0x'} do if pcall(require, m) then return refused(false, m) end end return refused(true)",
    ),
    refused(
        "io_library",
        "return refused(not pcall(require, 'io') and io == nil and not pcall(require, 'io.open'))",
    ),
    refused(
        "os_library",
        "return refused(os.execute == nil and os.remove == nil and os.rename == nil and os.getenv == nil and os.exit == nil and os.tmpname == nil and os.setlocale == nil)",
    ),
    refused(
        "os_again",
        "for i = 1, 3 do if require('os').execute then return refused(false, 'execute') end end return refused(true)",
    ),
    refused("debug_library", "return refused(debug == nil and not pcall(require, 'debug'))"),
    refused(
        "package_tricks",
        "package.path = dir .. '/?' package.cpath = dir .. '/?' package.preload = {secret = function() return 'x' end} package.loaded = {secret = 1} package.loaders = {} return refused(not pcall(require, 'secret') and package.loadlib == nil)",
    ),
    refused(
        "global_tricks",
        "_G.io, _G.debug, _G._LOADED = {}, {}, {} return refused(io.open == nil and not pcall(require, 'io'))",
    ),
    refused(
        "environments",
        "local e = getfenv(0) local f = getfenv(string.rep) local r = getfenv(require) return refused(e.io == nil and f.io == nil and r.io == nil and e.loadstring == nil)",
    ),
    refused(
        "string_metatable",
        "local m = getmetatable('') m.__index = function() return refused end return refused(('x').anything == refused and string.rep('a', 2) == 'aa')",
    ),
    refused("collector", "return refused(collectgarbage == nil and type(gcinfo()) == 'number')"),
    refused(
        "finalizer",
        "setmetatable({}, {__gc = function() made = true end}) local t = {} for i = 1, 1e4 do t[i] = {} end return refused(made == nil)",
    ),
    refused(
        "userdata_metatables",
        "local c = require 'circular_buffer' local b = c.new(2, 1, 1) local ok = pcall(b.add, {}, 1, 1, 1) local p = require('lpeg').P(1) local bad = pcall(function() return p + {} + print end) return refused(not ok and not bad and getmetatable(b) == nil and b.__index == nil and getmetatable(p) == nil)",
    ),
    refused(
        "sockets",
        "return refused(not pcall(require, 'socket') and not pcall(require, 'socket.core') and not pcall(require, 'mime.core'))",
    ),
    refused(
        "other_plugins",
        "local ok = pcall(inject_message, {Type = 'x', Payload = string.rep('y', 1e6)}) return refused(not ok and write_message == nil)",
    ),
    refused(
        "module_function",
        "local ok = pcall(module, 'string') local fine = pcall(module, 'io.x') return refused(io == nil or io.open == nil)",
    ),
    // What the daemon counts.
    ends(
        "inject_storm",
        "for i = 1, 100 do inject_payload('txt', '', 'x') end",
        "exceeded InjectMessage count",
    ),
    ends(
        "output_bomb",
        "while true do add_to_payload('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') end",
        "output_limit exceeded",
    ),
    ends("text_status", "return 'x'", "must return a numeric status code"),
    ends("table_error", "error({})", "(null)"),
];
