-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Patterns for IP addresses and host names, after RFC 3986.
--
-- v4, v6, hostname, host   match and capture nothing
-- *_field                  capture a field table: value and representation (ipv4, ipv6 or hostname)

local l = require "lpeg"
l.locale(l)
local P, R, S = l.P, l.R, l.S

local M = {}
setfenv(1, M)

local octet = P"1" * l.digit * l.digit
    + P"2" * R"04" * l.digit
    + P"25" * R"05"
    + R"19" * l.digit
    + l.digit

v4 = octet * "." * octet * "." * octet * "." * octet

local h16   = l.xdigit * l.xdigit^-3
local group = h16 * ":"
local ls32  = h16 * ":" * h16 + v4

-- At most n groups, then the gap.
local function gap(n)
    return (h16 * (":" * h16)^(1 - n))^-1 * "::"
end

v6 = group * group * group * group * group * group * ls32
    + P"::" * group * group * group * group * group * ls32
    + gap(1) * group * group * group * group * ls32
    + gap(2) * group * group * group * ls32
    + gap(3) * group * group * ls32
    + gap(4) * group * ls32
    + gap(5) * ls32
    + gap(6) * h16
    + gap(7)

hostname = (l.alnum + S"-._~!$&'()*+,;=" + P"%" * l.xdigit * l.xdigit)^1

host = v4 + v6 + hostname

local function field(pattern, representation)
    return l.Ct(l.Cg(pattern, "value") * l.Cg(l.Cc(representation), "representation"))
end

v4_field       = field(v4, "ipv4")
v6_field       = field(v6, "ipv6")
hostname_field = field(hostname, "hostname")
host_field     = v4_field + v6_field + hostname_field

return M
