-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

-- Grammars for what common Linux programs write to the system log.
--
-- get_prog_grammar(program)      the grammar of a program's messages: CRON, crontab, dhclient, dhcpd, login, groupadd,
--                                groupdel, named, puppet-agent, sshd, su, sudo, systemd-logind, useradd; nil of others
-- get_wildcard_grammar(name)     the grammar of messages that many programs write: "PAM". Of nil a table of all grammars by
--                                name, of an array of names one grammar for all of them.
--
-- A grammar gives a table of fields. Numbers are numbers, an address is a table of value and representation, all else is
-- text.

local l  = require "lpeg"
local ip = require "ip_address"
l.locale(l)

local P, S, C, Cg, Ct = l.P, l.S, l.C, l.Cg, l.Ct
local alnum, digit, space, xdigit = l.alnum, l.digit, l.space, l.xdigit
local ipairs, tonumber, type = ipairs, tonumber, type

local M = {}
setfenv(1, M)

-- Parts -------------------------------------------------------------------------------------------------------------------

local function text(name, pattern)
    return Cg(C(pattern), name)
end

local function number(name)
    return Cg(digit^1 / tonumber, name)
end

local function up_to(pattern)
    return (1 - P(pattern))^0
end

local function line(pattern)
    return Ct(pattern) * -1
end

local rest = P(1)^0
local word = (1 - space)^1
local name = (alnum + S"-_.$")^1
local mac  = xdigit * xdigit * (":" * xdigit * xdigit)^5

local function address(field)
    return Cg(ip.v4_field + ip.v6_field, field)
end

local function remote(field)
    return address(field) + text("remote_host", word)
end

-- PAM ---------------------------------------------------------------------------------------------------------------------

local pam_head = text("pam_module", (alnum + "_")^1) * "(" * text("pam_service", (1 - S":)")^1) * ":"
    * text("pam_type", (1 - P")")^1) * "): "

local pam_opened = text("pam_action", P"session opened") * " for user " * text("user_name", (1 - S" (")^1)
    * (P"(uid=" * digit^1 * ")")^-1 * " by " * text("login_name", (1 - S" (")^0) * "(uid=" * number("uid") * ")"
local pam_closed = text("pam_action", P"session closed") * " for user " * text("user_name", word)

local function pam_value(field)
    return P(field .. "=") * text(field, (1 - space)^0)
end

local pam_failure = text("pam_action", P"authentication failure") * "; " * pam_value("logname")
    * " uid=" * number("uid") * " euid=" * number("euid") * " " * pam_value("tty") * " " * pam_value("ruser")
    * " " * pam_value("rhost") * P" "^0 * pam_value("user")^-1 * P" "^0

local pam_other = text("pam_action", (1 - P"; user=")^1) * "; user=" * text("user_name", word)
    + text("pam_action", P"check pass") * "; user " * text("user_name", P"unknown")
    + text("pam_action", P"password changed") * " for " * text("user_name", word)

local pam = pam_head * (pam_opened + pam_closed + pam_failure + pam_other)

local wildcards = {PAM = line(pam)}

-- Programs ----------------------------------------------------------------------------------------------------------------

local programs = {}

programs.CRON = line(P"(" * text("cron_username", (1 - P")")^1) * ") " * text("cron_event", (1 - P" (")^1)
    * " (" * text("cron_detail", up_to(P")" * -1)) * ")")
programs.crontab = programs.CRON

-- DHCPDISCOVER on eth0 to 255.255.255.255 port 67 interval 5; DHCPACK from 10.0.0.1; bound to 10.0.0.5 -- renewal in 40 s.
local dhcp_type = text("dhcp_type", P"DHCP" * (alnum + P"_")^1)

programs.dhclient = line(
    dhcp_type * (P" of " * address("dhcp_client_addr"))^-1 * P" on " * text("dhcp_interface", word) * " to "
        * address("dhcp_server_addr") * " port " * number("dhcp_server_port")
        * (P" interval " * number("dhcp_client_interval_seconds"))^-1 * (P" (xid=" * text("dhcp_xid", (1 - P")")^1) * ")")^-1
    + dhcp_type * (P" of " * address("dhcp_client_addr"))^-1 * P" from " * address("dhcp_server_addr")
        * (P" (xid=" * text("dhcp_xid", (1 - P")")^1) * ")")^-1
    + P"bound to " * address("dhcp_client_addr") * " -- renewal in " * number("dhcp_client_renewal_seconds") * " seconds"
        * P"."^-1)

local dhcp_client = text("dhcp_client_hwaddr", mac) * (P" (" * text("dhcp_client_name", (1 - P")")^1) * ")")^-1
local dhcp_via    = P" via " * text("dhcp_source", (1 - S": ")^1) * (P": " * text("dhcp_message", rest))^-1

programs.dhcpd = line(
    dhcp_type * P" from " * dhcp_client * dhcp_via
    + dhcp_type * P" for " * address("dhcp_client_addr") * (P" (" * address("dhcp_server_addr") * ")")^-1 * " from "
        * dhcp_client * dhcp_via
    + dhcp_type * P" on " * address("dhcp_client_addr") * " to " * dhcp_client * dhcp_via
    + dhcp_type * P" of " * address("dhcp_client_addr") * " from " * dhcp_client * dhcp_via
    + dhcp_type * P" from " * address("dhcp_client_addr") * dhcp_via
    + dhcp_type * P" to " * address("dhcp_client_addr") * P" (" * text("dhcp_client_hwaddr", mac) * ")" * dhcp_via)

programs.login = line(pam
    + P"FAILED LOGIN (" * number("failcount") * ") on " * P"'"^-1 * text("tty", (1 - S"' ")^1) * P"'"^-1
        * (P" from '" * text("remote_host", up_to"'") * "'")^-1 * " FOR '" * text("user_name", up_to"'") * "', "
        * text("pam_error", rest)
    + P"ROOT LOGIN" * P" "^1 * "on " * P"'"^-1 * text("tty", (1 - S"' ")^1) * P"'"^-1
        * (P" from '" * text("remote_host", up_to"'") * "'")^-1)

local group_place = P" from " * text("group_file", (1 - S",")^1)

programs.groupadd = line(P"group added to " * text("group_file", (1 - S":")^1) * ": name=" * text("group_name", (1 - S", ")^1)
        * (P", GID=" * number("gid"))^-1
    + P"new group: name=" * text("group_name", (1 - S", ")^1) * ", GID=" * number("gid"))

programs.groupdel = line(P"group '" * text("group_name", up_to"'") * "' removed" * group_place^-1)

programs.useradd = line(P"new user: name=" * text("user_name", (1 - S", ")^1) * ", UID=" * number("uid") * ", GID="
        * number("gid") * ", home=" * text("user_home", (1 - S",")^0) * ", shell=" * text("user_shell", (1 - S",")^0)
        * (P", from=" * text("tty", rest))^-1
    + P"new group: name=" * text("group_name", (1 - S", ")^1) * ", GID=" * number("gid")
    + P"add '" * text("user_name", up_to"'") * "' to " * P"shadow "^-1 * "group '"
        * text("group_name", up_to"'") * "'")

programs.named = line(P"client " * (P"@0x" * xdigit^1 * " ")^-1 * address("client_addr") * "#" * number("client_port")
        * (P" (" * text("dns_name", (1 - P")")^1) * ")")^-1 * ": " * (P"view " * text("dns_view", (1 - P":")^1) * ": ")^-1
        * text("dns_message", rest)
    + text("dns_error", P"error (" * (1 - P")")^1 * ")") * " resolving '" * text("dns_name", (1 - S"'/")^1) * "/"
        * text("dns_type", (1 - S"'/")^1) * "/" * text("dns_class", (1 - S"'/")^1) * "': " * address("dns_addr") * "#"
        * number("dns_port")
    + P"zone " * text("dns_zone", (1 - S"/:")^1) * (P"/" * text("dns_class", (1 - S":")^1))^-1 * ": "
        * text("dns_message", rest))

programs["puppet-agent"] = line(P"Finished catalog run in "
        * Cg(digit^1 * ("." * digit^1)^-1 / tonumber, "puppet_benchmark_seconds") * " seconds"
    + P"(" * text("puppet_component", up_to(") ")) * ") " * text("puppet_msg", rest)
    + text("puppet_msg", rest))

programs.su = line(pam
    + text("su_status", P"Successful" + "FAILED") * " su for " * text("su_newuser", name) * " by " * text("su_olduser", name)
    + text("su_status", S"+-") * " " * text("su_tty", word) * " " * text("su_olduser", (1 - P":")^1) * ":"
        * text("su_newuser", rest))

local sudo_end = P" ; " * (P"TTY" + "PWD" + "USER" + "GROUP" + "TSID" + "ENV" + "COMMAND") * "="

local function sudo_part(key, field)
    return (P(key .. "=") * text(field, up_to(sudo_end)) * P" ; ")^-1
end

programs.sudo = line(pam
    + P" "^0 * text("user_name", name) * " : " * (text("sudo_message", up_to(P" ; " + "TTY=")) * P" ; ")^-1
        * sudo_part("TTY", "sudo_tty") * sudo_part("PWD", "sudo_pwd") * sudo_part("USER", "sudo_user")
        * sudo_part("GROUP", "sudo_group") * sudo_part("TSID", "sudo_tsid") * sudo_part("ENV", "sudo_env")
        * "COMMAND=" * text("sudo_command", rest))

programs["systemd-logind"] = line(
    P"New session " * text("session_id", (1 - S". ")^1) * " of user " * text("user_name", (alnum + S"-_$")^1) * "."
    + P"Removed session " * text("session_id", (1 - S". ")^1) * "."
    + P"New seat " * text("seat_id", (1 - S". ")^1) * "."
    + P"Watching system buttons on " * text("device", word) * " (" * text("device_name", (1 - P")")^1) * ")"
    + text("systemd_message", P"System is " * rest))

local port     = P" port " * number("remote_port")
local ssh_user = (P"invalid user " * text("remote_user", (1 - space)^0)) + text("remote_user", (1 - space)^0)

programs.sshd = line(pam
    + text("sshd_authmsg", P"Accepted" + "Failed" + "Partial" + "Postponed") * " "
        * text("sshd_method", (1 - S" /")^1) * (P"/" * text("sshd_submethod", (1 - space)^1))^-1 * " for " * ssh_user
        * " from " * remote("remote_addr") * port * (P" " * text("sshd_protocol", P"ssh" * digit^0))^-1
        * (P": " * text("sshd_info", rest))^-1 * (P" [preauth]")^-1
    + P"Received disconnect from " * address("remote_addr") * port^-1 * ":" * P" "^-1
        * text("disconnect_reason", digit^1) * ": " * text("disconnect_msg", rest)
    + P"Disconnected from " * (P"user " * text("remote_user", word) * " ")^-1 * address("remote_addr") * port * rest
    + P"Connection closed by " * address("remote_addr") * port^-1 * P" [preauth]"^-1
    + P"Invalid user " * text("remote_user", (1 - space)^0) * " from " * address("remote_addr") * port^-1
    + P"Did not receive identification string from " * address("remote_addr") * port^-1
    + P"Address " * address("remote_addr") * " maps to " * text("remote_host", (1 - S", ")^1) * ", but this does not map back"
        * rest
    + P"reverse mapping checking getaddrinfo for " * text("remote_host", word) * " [" * address("remote_addr")
        * "] failed - POSSIBLE BREAK-IN ATTEMPT!"
    + P"subsystem request for " * text("sshd_subsystem", word) * (P" by user " * text("remote_user", word))^-1
    + P"Received signal " * number("signal") * "; terminating."
    + P"Server listening on " * address("listen_address") * " port " * number("listen_port") * P"."^-1
    + text("sshd_errorlevel", P"error" + "fatal") * ": " * text("sshd_error", rest))

function get_prog_grammar(program)
    return programs[program]
end

function get_wildcard_grammar(name)
    if name == nil then return wildcards end
    if type(name) ~= "table" then return wildcards[name] end

    local grammar = P(false)
    for _, one in ipairs(name) do
        if wildcards[one] then grammar = grammar + wildcards[one] end
    end
    return grammar
end

return M
