-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Grammars made of the log format configurations of nginx and Apache.
--
-- build_nginx_grammar(log_format)    a pattern that gives the table of a line's fields
-- build_apache_grammar(log_format)   the same for Apache
-- nginx_error_grammar                a pattern that gives the message table of a line of nginx's error log
-- normalize_user_agent(text)         browser, version, operating system
--
-- A variable without a form of its own reaches to the character that stands before it in the format: `"$request"` ends
-- at the next quote that has no backslash, `$a` behind a space or at the beginning at the next space.
--
-- Numbers are numbers. What has a unit or an address is a table of value and representation. The time of the line is
-- `time`, in nanoseconds since the epoch.

local l  = require "lpeg"
local dt = require "date_time"
local ip = require "ip_address"
require "string"
l.locale(l)

local P, R, S, C, Cc, Cg, Ct = l.P, l.R, l.S, l.C, l.Cc, l.Cg, l.Ct
local digit, space, alnum = l.digit, l.space, l.alnum
local error, tonumber, pairs, setmetatable, rawset = error, tonumber, pairs, setmetatable, rawset
local string = string

local M = {}
setfenv(1, M)

-- A table that computes what it does not have yet. It forgets everything once it has `most` entries.
local function memo(most, compute)
    local count = 0
    return setmetatable({}, {__index = function(t, key)
        if count >= most then
            for known in pairs(t) do t[known] = nil end
            count = 0
        end
        local value = compute(key)
        count = count + 1
        rawset(t, key, value)
        return value
    end})
end

-- Forms of values. Each has the pattern of its text and, for callers that finish the fields themselves, how.

local integer = digit^1
local decimal = digit^1 * "." * digit^1

local function number(pattern)
    return {pattern = pattern / tonumber, plain = pattern, finish = "number"}
end

local function unit(pattern, representation)
    local value = Cg(pattern / tonumber, "value")
    return {
        pattern        = Ct(value * Cg(Cc(representation), "representation")),
        plain          = pattern,
        finish         = "unit",
        representation = representation,
    }
end

local function text(pattern)
    return {pattern = C(pattern)}
end

local function named(key, form)
    return {key = key, pattern = form.pattern, plain = form.plain, finish = form.finish,
        representation = form.representation}
end

-- An IPv4 address is the usual case and stays text until the fields are finished.
local host = {
    pattern = ip.host_field,
    plain   = C(ip.v4) + ip.v6_field + ip.hostname_field,
    finish  = "host",
}

local month_names = P"Jan" + "Feb" + "Mar" + "Apr" + "May" + "Jun" + "Jul" + "Aug" + "Sep" + "Oct" + "Nov" + "Dec"
local hour, sixty = R"01" * digit + P"2" * R"03", R"05" * digit
local clf_text = (P"0" * R"19" + R"12" * digit + P"3" * R"01") * "/" * month_names * "/" * digit * digit * digit * digit
    * ":" * hour * ":" * sixty * ":" * (sixty + P"60") * " " * S"+-" * hour * sixty

-- Lines come by the thousand in a second: a second that was seen before is not computed again.
local clf_times = memo(64, function(line) return dt.time_to_ns(dt.clf_timestamp:match(line)) end)
local clf_time  = {key = "time", pattern = clf_text / clf_times}

local bytes        = unit(integer, "B")
local dash_is_zero = unit(integer + P"-" / "0", "B")

local methods = P"GET" + "POST" + "HEAD" + "PUT" + "DELETE" + "OPTIONS" + "TRACE" + "CONNECT"
local protocol = P"HTTP/" * digit * "." * digit

-- nginx lists what several upstream servers gave.
local address = (P(1) - S", ")^1
local comma   = P", " + " : "

local function list(pattern)
    return Ct(pattern * (comma * pattern)^0)
end

local function list_unit(pattern, representation)
    return {pattern = Ct(Cg(list(pattern), "value") * Cg(Cc(representation), "representation"))}
end

local dash = P"-" / function() return 0 end
local iso8601 = memo(64, function(line) return dt.time_to_ns(dt.rfc3339:match(line)) end)
local iso8601_text = digit * digit * digit * digit * "-" * digit * digit * "-" * digit * digit * "T"
    * hour * ":" * sixty * ":" * (sixty + P"60") * (P"." * digit^1)^-1 * (P"Z" + S"+-" * hour * ":" * sixty)
local http_date = dt.build_strftime_grammar("%a, %d %b %Y %H:%M:%S GMT") / dt.time_to_ns

local cache_states = P"MISS" + "BYPASS" + "EXPIRED" + "STALE" + "UPDATING" + "REVALIDATED" + "HIT" + "-"

-- Apache ----------------------------------------------------------------------------------------------------------------

-- What a directive without an argument stands for; true is a text up to the terminator.
local apache_directives = {
    a = named("remote_addr", host),
    A = named("server_addr", host),
    b = named("body_bytes_sent", dash_is_zero),
    B = named("body_bytes_sent", bytes),
    D = named("request_time", unit(integer, "us")),
    f = {key = "request_filename"},
    h = named("remote_addr", host),
    H = named("server_protocol", text(protocol)),
    I = named("request_length", bytes),
    k = named("connection_requests", number(integer)),
    l = {key = "remote_user"},
    L = {key = "request_log_id"},
    m = named("request_method", text(methods)),
    O = named("response_length", bytes),
    p = named("server_port", number(integer)),
    P = named("pid", number(integer)),
    q = {key = "query_string"},
    r = {key = "request"},
    R = {key = "request_handler"},
    s = named("status", number(digit * digit * digit)),
    S = named("total_length", bytes),
    t = {key = "time", pattern = P"[" * clf_time.pattern * "]"},
    T = named("request_time", unit(integer, "s")),
    u = {key = "remote_user"},
    U = {key = "uri"},
    v = named("server_name", host),
    V = named("server_name", host),
    X = named("connection_status", text(S"X+-")),
}

-- The argument of %{...}t: numbers since the epoch or a fraction of the second, anything else is strftime's.
local function apache_time(argument)
    local part = argument:match("^begin:(.*)$") or argument:match("^end:(.*)$") or argument
    local scale = ({sec = 1e9, msec = 1e6, usec = 1e3})[part]
    if scale then
        return {key = "time", pattern = integer / function(n) return tonumber(n) * scale end}
    end
    if argument == "msec_frac" or argument == "usec_frac" then
        return {key = "sec_frac", pattern = integer / function(n) return tonumber("0." .. n) end}
    end
    return {key = "time", pattern = dt.build_strftime_grammar(argument) / dt.time_to_ns}
end

local function apache_port(argument)
    local keys = {canonical = "server_port", ["local"] = "server_port", remote = "remote_port"}
    local key = keys[argument]
    if not key then
        error("unknown port format: " .. argument)
    end
    return named(key, number(integer))
end

-- %P is the process; its argument may ask for the thread instead, in decimal or hexadecimal digits.
-- A worker of Apache's threaded modules serves many requests at a time, and there the thread tells them apart. The field
-- `tid` is a number either way.
--
-- | argument | field | digits      |
-- |----------|-------|-------------|
-- | pid      | pid   | decimal     |
-- | tid      | tid   | decimal     |
-- | hextid   | tid   | hexadecimal |
--
local function apache_process(argument)
    if argument == "pid" then
        return named("pid", number(integer))
    elseif argument == "tid" then
        return named("tid", number(integer))
    elseif argument == "hextid" then
        return {key = "tid", pattern = l.xdigit^1 / function(digits) return tonumber(digits, 16) end}
    else
        error("unknown pid format: " .. argument)
    end
end

local function header(prefix)
    return function(name) return {key = prefix .. name:lower():gsub("-", "_")} end
end

local function prefixed(prefix)
    return function(name) return {key = prefix .. name} end
end

-- What a directive with an argument stands for: a function of the argument.
--
-- Names of headers are folded to lower case with underscores; names of cookies, environment variables and notes are kept
-- as they are, because there letter case tells them apart.
local apache_arguments = {
    a = function() return apache_directives.a end,
    C = prefixed("cookie_"),
    e = prefixed("env_"),
    i = header("http_"),
    n = prefixed("module_"),
    o = header("sent_http_"),
    p = apache_port,
    P = apache_process,
    t = apache_time,
}

-- The form of a directive: `letter` alone or with its argument ("" is none).
--
local function apache_variable(argument, letter)
    local form
    if argument == "" then
        form = apache_directives[letter]
    elseif apache_arguments[letter] then
        form = apache_arguments[letter](argument)
    end
    -- The configuration is refused here, while it is read.
    if not form then
        error("unknown variable: " .. letter)
    end
    return form
end

-- nginx -----------------------------------------------------------------------------------------------------------------

-- Variables with a form of their own. All others are text up to the terminator.
local nginx_variables = {
    binary_remote_addr           = text(P(4)),
    body_bytes_sent              = bytes,
    bytes_sent                   = bytes,
    connection                   = number(integer),
    connection_requests          = number(integer),
    content_length               = bytes,
    host                         = host,
    hostname                     = host,
    https                        = text(P"on"^-1),
    is_args                      = text(P"?"^-1),
    msec                         = {key = "time", pattern = decimal / dt.seconds_to_ns},
    nginx_version                = text(integer * "." * integer * "." * integer),
    pid                          = number(integer),
    pipe                         = text(S"p."),
    proxy_protocol_addr          = host,
    remote_addr                  = host,
    remote_port                  = number(integer),
    request_completion           = text(P"OK"^-1),
    request_length               = bytes,
    request_method               = text(methods),
    request_time                 = unit(decimal, "s"),
    scheme                       = text(P"https" + "http"),
    server_addr                  = host,
    server_name                  = host,
    server_port                  = number(integer),
    server_protocol              = text(protocol),
    status                       = number(digit * digit * digit),
    tcpinfo_rcv_space            = number(integer),
    tcpinfo_rtt                  = number(integer),
    tcpinfo_rttvar               = number(integer),
    tcpinfo_snd_cwnd             = number(integer),
    time_iso8601                 = {key = "time", pattern = iso8601_text / iso8601},
    time_local                   = clf_time,
    upstream_addr                = {pattern = C"-" + list(C(address))},
    upstream_cache_last_modified = {pattern = http_date + C"-"},
    upstream_cache_status        = text(cache_states),
    upstream_response_length     = {pattern = list_unit(integer / tonumber, "B").pattern + C"-"},
    upstream_response_time       = list_unit(decimal / tonumber + dash, "s"),
    upstream_status              = {pattern = list(digit * digit * digit / tonumber + dash)},
}

local function nginx_variable(name)
    local form = nginx_variables[name]
    if not form then return {key = name} end
    return form.key and form or named(name, form)
end

-- Formats ---------------------------------------------------------------------------------------------------------------

-- A format is read into a list of elements: {space = true}, {literal = text} and forms of variables.

local blanks = space^1 / function() return {space = true} end

local function literal(character)
    return {literal = character}
end

local nginx_format = Ct((P"$" * C((alnum + "_")^1) / nginx_variable + blanks + C(P(1)) / literal)^1) * -1

local codes = digit^1 * (P"," * digit^1)^0
local modifiers = S"<>"^-1 * (P"!"^-1 * codes)^-1 * S"<>"^-1
local argument = P"{" * C((P(1) - "}")^1) * "}" + Cc""

local escapes = P"\\" * (
    P"t" / "\t"
    + P"n" / "\n"
    + C(S'"\\')
    + digit * digit * digit / function(code) return string.char(tonumber(code) % 256) end
)

local apache_format = Ct((
    P"%%" / "%%" / literal
    + P"%" * modifiers * argument * C(P(1)) / apache_variable
    + blanks
    + escapes / literal
    + C(P(1)) / literal
)^1) * -1

-- Text up to the terminator: the last literal character of the format so far. Quotes behind a backslash are part of a
-- quoted text, and so is the backslash.
local until_space = (P(1) - space)^0
local until_quote = (P(1) - S'"\\')^0 * (P'\\"' * (P(1) - S'"\\')^0 + P"\\" * (P(1) - S'"\\')^0)^0

local function until_terminator(terminator)
    if terminator == " " then return until_space end
    if terminator == '"' then return until_quote end
    return (P(1) - terminator)^0
end

-- Gathers what is left to do with fields whose forms have a `finish`.
local function finisher(forms)
    local hosts, host_count = {}, 0
    local units, unit_count = {}, 0
    local numbers, number_count = {}, 0
    for i = 1, #forms do
        local form = forms[i]
        if form.finish == "host" then
            host_count = host_count + 1
            hosts[host_count] = {form.key, {value = "", representation = "ipv4"}}
        elseif form.finish == "unit" then
            unit_count = unit_count + 1
            units[unit_count] = {form.key, {value = 0, representation = form.representation}}
        else
            number_count = number_count + 1
            numbers[number_count] = form.key
        end
    end
    return function(fields)
        for i = 1, host_count do
            local entry = hosts[i]
            local key = entry[1]
            local address = fields[key]
            -- A string has no member of this name, a table from another kind of address has.
            if not address.representation then
                local field = entry[2]
                field.value = address
                fields[key] = field
            end
        end
        for i = 1, unit_count do
            local entry = units[i]
            local key, field = entry[1], entry[2]
            field.value = fields[key] + 0
            fields[key] = field
        end
        for i = 1, number_count do
            local key = numbers[i]
            fields[key] = fields[key] + 0
        end
    end
end

-- The pattern of a list of elements. With `flat`, fields of which the rest is left to a finisher, which is the second
-- result; the tables that it puts into the fields are the same for every line.
local function build(elements, flat)
    local grammar, terminator = P(true), " "
    local keys, rest = {}, {}
    for i = 1, #elements do
        local element = elements[i]
        if element.space then
            grammar = grammar * space^1
            terminator = " "
        elseif element.literal then
            grammar = grammar * element.literal
            terminator = element.literal
        else
            local key, pattern = element.key, element.pattern or until_terminator(terminator)
            if flat and element.plain then
                pattern = element.plain
                rest[#rest + 1] = element
            end
            if keys[key] then flat = nil end
            keys[key] = true
            grammar = grammar * Cg(pattern, key)
        end
    end
    return Ct(grammar), flat and finisher(rest)
end

local function compile(elements, flat)
    local grammar, finish = build(elements, flat)
    if flat and not finish then
        -- A field that occurs twice keeps its last value, whatever its form: nothing can be left over then.
        return (build(elements))
    end
    return grammar, finish
end

-- The pattern of a `LogFormat` of Apache. With `flat` (for decoders that hand the fields on at once) a second result may
-- follow: a function that finishes the fields in place.
function build_apache_grammar(log_format, flat)
    local elements = apache_format:match(log_format)
    if not elements then
        error("could not parse the log_format configuration")
    end
    return compile(elements, flat)
end

-- The pattern of a `log_format` of nginx; `flat` as for Apache.
function build_nginx_grammar(log_format, flat)
    local elements = nginx_format:match(log_format)
    if not elements then
        error("could not parse the log_format configuration")
    end
    return compile(elements, flat)
end

-- nginx's error log -----------------------------------------------------------------------------------------------------

local severities = {debug = 7, info = 6, notice = 5, warn = 4, error = 3, crit = 2, alert = 1, emerg = 0}
local level = P"debug" + "info" + "notice" + "warn" + "error" + "crit" + "alert" + "emerg"

local error_stamp = Ct(dt.date_fullyear * "/" * dt.date_month * "/" * dt.date_mday * " "
    * dt.time_hour * ":" * dt.time_minute * ":" * dt.time_second) / dt.time_to_ns

nginx_error_grammar = Ct(
    Cg(error_stamp, "Timestamp") * " ["
    * Cg(level / severities, "Severity") * "] "
    * Cg(integer / tonumber, "Pid") * "#"
    * Cg(Ct(
        Cg(integer / tonumber, "tid") * ": "
        * (P"*" * Cg(integer / tonumber, "connection") * " ")^-1
    ), "Fields")
    * Cg(P(1)^0, "Payload")
)

-- User agents -----------------------------------------------------------------------------------------------------------

local systems = {
    {"iPod", "iPod"},
    {"iPad", "iPad"},
    {"iPhone", "iPhone"},
    {"Android", "Android"},
    {"BlackBerry", "BlackBerry"},
    {"Linux", "Linux"},
    {"Macintosh", "Macintosh"},
    {"Mozilla/5.0 (Mobile;", "FirefoxOS"},
    {"Windows NT 10.0", "Windows 10"},
    {"Windows NT 6.3", "Windows 8.1"},
    {"Windows NT 6.2", "Windows 8"},
    {"Windows NT 6.1", "Windows 7"},
    {"Windows NT 6.0", "Windows Vista"},
    {"Windows NT 5.1", "Windows XP"},
    {"Windows NT 5.0", "Windows 2000"},
}

local last_version = "/(%d+)[^/]*$"
local browsers = {
    {"Chrome", "Chrome/(%d+)"},
    {"Opera Mini", last_version},
    {"Opera Mobi", last_version},
    {"Opera", last_version},
    {"MSIE", "MSIE (%d+)"},
    {"Safari", last_version},
    {"Firefox", "Firefox/(%d+)"},
}

local function described(agent)
    local known = {}
    for i = 1, #systems do
        if agent:find(systems[i][1], 1, true) then
            known.system = systems[i][2]
            break
        end
    end
    for i = 1, #browsers do
        if agent:find(browsers[i][1], 1, true) then
            known.browser = browsers[i][1]
            known.version = tonumber(agent:match(browsers[i][2]))
            break
        end
    end
    return known
end

-- A site sees the same few hundred user agents all day.
local agents = memo(500, described)

-- Browser, major version and operating system of a user agent; each nil if unknown.
function normalize_user_agent(ua)
    if not ua then return end
    local known = agents[ua:sub(1)]
    return known.browser, known.version, known.system
end

return M
