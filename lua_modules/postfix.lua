-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Messages of the daemons of the mail server Postfix.
--
-- postfix_match(programname, message, extract_keyvalue)
--     The fields of a message of this program, such as "postfix/smtpd", or nil if the daemon or the message is not known. A
--     list like "to=<a@b.test>, delay=3" stays one field, postfix_keyvalue_data, unless extract_keyvalue is true: then each
--     of its values is a field.
--
-- All names begin with "postfix_". Addresses and host names have a representation; what is in the list of integers below is
-- an integer; delays are numbers; all else is text.

local l  = require "lpeg"
local ip = require "ip_address"
require "string"
l.locale(l)

local P, S, C, Cc, Cg, Ct = l.P, l.S, l.C, l.Cc, l.Cg, l.Ct
local alnum, digit, space, xdigit = l.alnum, l.digit, l.space, l.xdigit
local ipairs, pairs, tonumber = ipairs, pairs, tonumber
local match = string.match

local M = {}
setfenv(1, M)

-- Values ------------------------------------------------------------------------------------------------------------------

local integers = {}
for _, name in ipairs{
    "anvil_cache_size", "anvil_conn_count", "anvil_conn_rate", "client_port", "nrcpt", "postscreen_cache_dropped",
    "postscreen_cache_retained", "postscreen_dnsbl_rank", "relay_port", "server_port", "size", "status_code",
    "termination_signal", "uid",
} do
    integers["postfix_" .. name] = true
end

local function to_integer(text)
    return {value = tonumber(text), value_type = 2}
end

local function field(name, pattern)
    name = "postfix_" .. name
    if integers[name] then pattern = C(pattern) / to_integer end
    return Cg(pattern, name)
end

-- Text up to a pattern, which is not taken.
local function up_to(pattern)
    return (1 - P(pattern))^0
end

local rest    = P(1)^0
local number  = digit^1 * ("." * digit^1)^-1
local address = ip.v4_field + ip.v6_field
local name    = l.Ct(Cg((alnum + S"-._")^1, "value") * Cg(Cc"hostname", "representation"))

local queueid = field("queueid", xdigit^6 + alnum^12)
local noqueue = P"NOQUEUE" + queueid

local client = field("client_hostname", name)^-1 * "[" * (field("client_ip", address) + "unknown") * "]"
    * (":" * field("client_port", digit^1))^-1

local relay = field("relay_hostname", name)^-1 * "["
    * (field("relay_ip", address) + field("relay_service", up_to"]")) * "]" * (":" * field("relay_port", digit^1))^-1

local stage  = P"CONNECT" + "HELO" + "EHLO" + "STARTTLS" + "AUTH" + P"MAIL" * P" FROM"^-1 + P"RCPT" * P" TO"^-1
    + P"end of "^-1 * "DATA" + "RSET" + "UNKNOWN" + "END-OF-MESSAGE" + "VRFY" + "NOOP" + "QUIT" + "."
local action = P"reject_warning" + "reject" + "defer" + "accept" + "header-redirect" + "discard" + "filter" + "hold"
local status = field("status", (alnum + "-")^1)

local smtp_stage = field("smtp_stage", stage)
local keyvalue   = (alnum + S"-_")^1 * "=" * (1 - P";")^0
local keyvalues  = field("keyvalue_data", keyvalue)
local time       = field("scache_timestamp", rest)

local lost_connection = P"lost connection" + "timeout" + "Connection timed out" + "Connection refused"
    + "No route to host" + "Network is unreachable" + "SSL_accept error" + "-1"

local lost_reason = P"receiving the initial server greeting" + "sending message body"
    + "sending end of data -- message may be sent more than once" + "sending " * smtp_stage

-- Messages that several daemons have --------------------------------------------------------------------------------------

local warning_levels = P"warning: " + "fatal: "
local warning = warning_levels * field("warning", rest)
    + queueid * ": " * warning_levels * field("warning", rest)

local queued = queueid * ": " * keyvalues

-- The list before "status=" with its comma, and what the other side said in brackets.
local function delivery(response)
    local data = (alnum + S"-_")^1 * "=" * (1 - (P" status=" + ";"))^0
    return queueid * ": " * field("keyvalue_data", data) * " status=" * status * " (" * field(response, up_to(P")" * -1))
        * ")"
end

local function tls(peer)
    return up_to" TLS" * " TLS connection established " * peer * ": " * field("tls_version", up_to" ") * " with cipher "
        * field("tls_cipher", up_to" ") * " (" * field("tls_cipher_size", up_to" bits") * " bits)"
end

local dnsbl_message = P"Service unavailable; " * up_to" [" * " [" * field("status_data", up_to"]") * "] "
    * field("status_message", up_to";")

local reject = noqueue * ": " * field("action", action) * ": " * smtp_stage * " from " * client * ":"
    * (" " * field("status_code", digit * digit * digit) * " "
        * field("status_code_enhanced", digit * "." * digit^1 * "." * digit^1))^-1
    * (" <" * field("status_data", up_to">:") * ">:")^-1 * " "
    * (dnsbl_message + field("status_message", up_to";")) * "; " * keyvalues

-- Daemons -----------------------------------------------------------------------------------------------------------------

local daemons = {}

daemons.smtpd = P"connect from " * client
    + P"disconnect from " * client
    + field("smtpd_lostconn_data", lost_connection) * (" after " * smtp_stage * (P" (" * digit^1 * " bytes)")^-1)^-1
        * " from " * client * (": " * field("smtpd_lostconn_reason", rest))^-1
    + reject
    + P"improper command pipelining after " * smtp_stage * " from " * client
    + tls("from " * client)
    + warning
    + P"proxy-" * field("proxy_result", action) * ": " * field("proxy_smtp_stage", stage) * ": "
        * field("proxy_message", up_to"; ") * "; " * keyvalues
    + queued

daemons.cleanup = queueid * ": milter-" * field("milter_result", action) * ": " * field("milter_message", up_to"; ") * "; "
        * field("keyvalue_data", (1 - P": ")^1) * (": " * field("milter_data", rest))^-1
    + warning
    + queued

daemons.qmgr = queueid * ": " * (P"removed" + "skipped, still being delivered") * -1
    + queueid * ": " * field("keyvalue_data", (alnum + S"-_")^1 * "=" * up_to" (queue active)") * " (queue active)"
    + queueid * ": from=<" * field("from", (1 - P">")^1) * ">, status=" * status * ", returned to sender"
    + warning

daemons.pipe    = delivery("pipe_response")
daemons.discard = delivery("discard_response") + warning

daemons.smtp = delivery("smtp_response")
    + P"connect to " * relay * ": " * lost_connection
    + queueid * ": " * field("smtp_lostconn_data", lost_connection) * " with " * relay
        * (" while " * field("smtp_lostconn_reason", lost_reason))^-1
    + queueid * ": conversation with " * relay * " timed out"
        * (" while " * field("smtp_lostconn_reason", lost_reason))^-1
    + queueid * ": host " * relay * " said: " * field("smtp_response", up_to" (in reply to") * " (in reply to "
        * smtp_stage * " command)"
    + queueid * ": host " * relay * " refused to talk to me: " * field("smtp_response", rest)
    + tls("to " * relay)
    + warning

daemons.lmtp  = daemons.smtp
daemons.local_delivery = queued + warning

local violation = P"BARE NEWLINE" + P"COMMAND " * (P"TIME" + "COUNT" + "LENGTH") * " LIMIT" + "COMMAND PIPELINING" + "DNSBL"
    + "HANGUP" + "NON-SMTP COMMAND" + "PREGREET"
local access = P"DISCONNECT" + "BLACKLISTED" + "WHITELISTED" + "WHITELIST VETO" + "PASS NEW" + "PASS OLD"
local screen_violation = field("postscreen_violation", violation)

daemons.postscreen = P"CONNECT from " * client * " to [" * field("server_ip", address) * "]:" * field("server_port", digit^1)
    + field("postscreen_access", access) * " " * client
    + reject
    + P"NOQUEUE: reject: CONNECT from " * client * ": " * field("postscreen_toobusy_data", rest)
    + screen_violation * " rank " * field("postscreen_dnsbl_rank", digit^1) * " for " * client
    + P"cache " * up_to" full" * " full cleanup: retained=" * field("postscreen_cache_retained", digit^1) * " dropped="
        * field("postscreen_cache_dropped", digit^1) * " entries"
    + screen_violation * (" " * digit^1)^-1 * (" after " * field("postscreen_violation_time", number))^-1 * " from "
        * client * (P" after " * smtp_stage)^-1 * (": " * field("postscreen_data", rest))^-1
    + warning

daemons.dnsblog = P"addr " * field("client_ip", address) * " listed by domain " * field("dnsbl_domain", name) * " as "
        * field("dnsbl_result", address)
    + warning

daemons.tlsproxy = P"DIS"^-1 * "CONNECT" * P" from"^-1 * " " * client
    + warning

local anvil_client = P" for (" * field("service", up_to":") * ":" * field("client_ip", address) * ")"
local anvil_time   = P" at " * field("anvil_timestamp", rest)

daemons.anvil = P"statistics: max connection rate " * field("anvil_conn_rate", digit^1) * "/"
        * field("anvil_conn_period", digit^1 * S"smhd") * anvil_client * anvil_time
    + P"statistics: max cache size " * field("anvil_cache_size", digit^1) * anvil_time
    + P"statistics: max connection count " * field("anvil_conn_count", digit^1) * anvil_client * anvil_time
    + warning

daemons.scache = P"statistics: " * (P"address" + "domain") * " lookup hits=" * field("scache_hits", digit^1) * " miss="
        * field("scache_miss", digit^1) * " success=" * field("scache_success", digit^1) * "%"
    + P"statistics: max simultaneous domains=" * field("scache_domains", digit^1) * " addresses="
        * field("scache_addresses", digit^1) * " connection=" * field("scache_connection", digit^1)
    + P"statistics: start interval " * time

daemons.pickup = queueid * ": uid=" * field("uid", digit^1) * " from=<" * field("from", up_to(P">" * -1 + "> orig_id=")) * ">"
        * (" orig_id=" * field("orig_id", rest))^-1
    + queued
    + warning

daemons.master = P"daemon started -- version " * field("version", up_to",") * ", configuration " * field("config_path", rest)
    + P"reload -- version " * field("version", up_to",") * ", configuration " * field("config_path", rest)
    + P"terminating on signal " * field("termination_signal", digit^1)
    + warning

daemons.bounce = queueid * ": " * (P"sender" + "postmaster") * " " * (P"non-delivery" + "delivery status" + "delay")
        * " notification: " * field("bounce_queueid", alnum^1)
    + warning

for _, daemon in ipairs{"sendmail", "postdrop", "trivial_rewrite", "tlsmgr"} do
    daemons[daemon] = warning
end
daemons["trivial-rewrite"] = daemons.trivial_rewrite
daemons["local"], daemons.local_delivery = daemons.local_delivery, nil

-- Lists of values ---------------------------------------------------------------------------------------------------------

local function delay(name)
    return Cg(number / tonumber, "postfix_" .. name)
end

daemons.relay_info = relay + field("relay_service", (1 - space)^1)
daemons.delays = delay("delay_before_qmgr") * "/" * delay("delay_in_qmgr") * "/" * delay("delay_conn_setup") * "/"
    * delay("delay_transmission")

-- What a list may say. Other names are left out.
local known, known_key = {}, P(false)
for _, key in ipairs{
    "client", "delays", "delay", "dsn", "from", "helo", "nrcpt", "proto", "relay", "size", "status", "to", "uid",
} do
    known[key] = true
    known_key = known_key + key
end

-- A value reaches to the next comma. One in angle brackets reaches to the bracket before a comma and a known name: what is in
-- it may be anything that a client says.
local comma   = P"," * (P" " + -1)
local bracket = P">" * (-1 + P"," * (-1 + P" " * known_key * "="))
local pair = Ct(Cg((alnum + S"-_")^1, "key") * "="
    * (P"<" * Cg(up_to(bracket), "value") * ">" + Cg(up_to(comma), "value")))
daemons.keyvalue_data = pair * (comma * pair)^0 * comma^-1

local grammars = {}
for daemon, grammar in pairs(daemons) do
    grammars[daemon] = Ct(grammar)
end
local client_grammar = Ct(client * -1)
local relay_grammar  = Ct(relay * -1)

-- Values that have fields of their own in them.
local parts = {client = client_grammar, relay = relay_grammar, delays = grammars.delays}

local function extract(fields)
    local list = grammars.keyvalue_data:match(fields.postfix_keyvalue_data)
    fields.postfix_keyvalue_data = nil
    for _, one in ipairs(list or {}) do
        local key, value = one.key, one.value
        local found = parts[key] and parts[key]:match(value)
        if found then
            for name, part in pairs(found) do fields[name] = part end
        elseif known[key] then
            local name = "postfix_" .. key
            if integers[name] then
                value = to_integer(value)
            elseif key == "delay" then
                value = tonumber(value)
            end
            fields[name] = value
        end
    end
end

function postfix_match(programname, message, extract_keyvalue)
    local daemon = match(programname, "/(.+)$")
    local grammar = daemon and grammars[daemon]
    local fields = grammar and grammar:match(message)
    if fields and extract_keyvalue and fields.postfix_keyvalue_data then extract(fields) end
    return fields
end

return M
