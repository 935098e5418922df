-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Patterns for the query log of the name server BIND 9.
--
-- query_log_grammar   a line; put it into lpeg.Ct to get the table of
--                     Timestamp (ns), ClientIP, ClientEphemeralPort, FullQuery, QueryName (its first label), QueryDomain
--                     (the other labels), RecordClass, RecordType, QueryFlags (an array of texts), ServerRespondingIP
--                     Lines of BIND 9.11 and later, with "client @0x..." in them, may have any name, type and address.
-- dns_record_type, dns_record_class, query_flags   the parts RecordType, RecordClass and QueryFlags

local l  = require "lpeg"
local dt = require "date_time"
local ip = require "ip_address"
l.locale(l)

local P, S, C, Cc, Cg, Ct = l.P, l.S, l.C, l.Cc, l.Cg, l.Ct
local ipairs = ipairs

local M = {}
setfenv(1, M)

-- A name that begins like another one stands before it.
local types = {
    "AFSDB", "APL", "AXFR", "CAA", "CDNSKEY", "CDS", "CERT", "CNAME", "DHCID", "DNAME", "DNSKEY", "DS", "HIP",
    "IPSECKEY", "IXFR", "KEY", "KX", "LOC", "MX", "NAPTR", "NSEC3PARAM", "NSEC3", "NSEC", "NS", "OPT", "PTR", "RRSIG",
    "RP", "SIG", "SOA", "SRV", "SSHFP", "TA", "TKEY", "TLSA", "TSIG", "TXT", "*",
}

-- DLV goes by the name that Heka gave it. An unknown type counts as A, of which at most one letter is taken.
local record_type = P"A"^4 * Cc"AAAA" + P"DLV" * Cc"DLC"
for _, name in ipairs(types) do
    record_type = record_type + C(name)
end
record_type = record_type + P"A"^-1 * Cc"A"

dns_record_type  = Cg(record_type, "RecordType")
dns_record_class = Cg(P"IN" + "CH" + "HS", "RecordClass")

local flag = P"+" * Cc"recursion requested"
    + P"-" * Cc"recursion not requested"
    + P"E" * Cc"EDNS used"
    + P"S" * Cc"query signed"
    + P"D" * Cc"DNSSEC data wanted"
    + P"C" * Cc"no DNSSEC validation check"
    + P"T" * Cc"TCP used"

query_flags = Cg(Ct(flag^1), "QueryFlags")

local timestamp = dt.build_strftime_grammar("%d-%b-%Y %H:%M:%S") / dt.time_to_ns * "." * l.digit^1

local label  = (l.alnum + S"-_")^1
local domain = label * ("." * label)^0
local query  = Cg(label, "QueryName") * "." * Cg(domain, "QueryDomain")^-1

local start = Cg(timestamp, "Timestamp") * " queries: info: client "
local port  = "#" * Cg(l.digit * l.digit^-4, "ClientEphemeralPort")

local old = Cg(ip.v4_field, "ClientIP") * port * " (" * Cg(domain, "FullQuery")
    * "): query: " * query * " " * dns_record_class * " " * dns_record_type * " " * query_flags
    * " (" * Cg(ip.v4_field, "ServerRespondingIP") * ")"

-- Since 9.11 the client's address in memory stands before it, and BIND has more flags and types. In such a line addresses may
-- be of version 6, and names and types of any kind.
local address    = ip.v4_field * #S"#)" + ip.v6_field
local name       = C((1 - S" \n")^1)
local first      = (P"\\" * 1 + (1 - S" .\n"))^1
local any_query  = Cg(first, "QueryName") * "." * Cg(name, "QueryDomain") + Cg(first + ".", "QueryName") * P"."^-1
local any_type   = record_type * #P" " + name
local any_class  = P"IN" + "CH" + "HS" + (1 - S" \n")^1
local any_flag   = P"E(" * l.digit^1 * ")" * Cc"EDNS used"
    + P"K" * Cc"cookie of the client only"
    + P"V" * Cc"valid cookie of the server"
    + flag
local unnamed_flag = l.alpha * (P"(" * (1 - S")\n")^0 * ")")^-1

local new = P"@0x" * l.xdigit^1 * " " * Cg(address, "ClientIP") * port * " (" * Cg((1 - (P"): query: " + "\n"))^1, "FullQuery")
    * "): query: " * any_query * " " * Cg(any_class, "RecordClass") * " " * Cg(any_type, "RecordType")
    * " " * Cg(Ct((any_flag + unnamed_flag)^1), "QueryFlags") * " (" * Cg(address, "ServerRespondingIP") * ")"

query_log_grammar = start * (old + new)

return M
