-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Parses the files that rsyslog writes, by the template they are written with.

The properties timestamp or timereported, hostname or source, msg, and the severity of pri, syslogseverity or
syslogpriority become the message's Timestamp, Hostname, Payload and Severity. The tag gives the message's Pid and the field
programname, pri also the field syslogfacility. All other properties become fields of their names.

Config:

- template (string)
    The template of rsyslog.conf, without the quotes around it.

- type (string, optional, default nil)
    The message's Type.

- hostname_keep (bool, optional, default false)
    Keeps the message's Hostname as the input gave it; the one of the line becomes a field.

- tz (string, optional, default UTC)
    Time zone of the timestamps, such as "America/Los_Angeles".

*Example Heka Configuration*

.. code-block:: ini

    [RsyslogDecoder]
    type = "SandboxDecoder"
    filename = "lua_decoders/rsyslog.lua"

    [RsyslogDecoder.config]
    type = "RSYSLOG_TraditionalFileFormat"
    template = '%TIMESTAMP% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg:::drop-last-lf%\n'
    tz = "America/Los_Angeles"
--]]

local syslog = require "syslog"

local read_message, inject_message, pcall = read_message, inject_message, pcall

local hostname_keep = read_config("hostname_keep")

local grammar = syslog.build_rsyslog_grammar(read_config("template"))
local match = grammar.match

local msg = {
    Timestamp = nil,
    Type      = read_config("type"),
    Hostname  = nil,
    Payload   = nil,
    Pid       = nil,
    Severity  = nil,
    Fields    = nil,
}

local severities = {
    "syslogseverity", "syslogpriority", "syslogseverity-text", "syslogpriority-text",
}

local function set_severity(fields)
    local pri = fields.pri
    if pri then
        msg.Severity = pri.severity
        fields.syslogfacility = pri.facility
        fields.pri = nil
        return
    end
    for i = 1, 4 do
        local name = severities[i]
        if fields[name] then
            msg.Severity = fields[name]
            fields[name] = nil
            return
        end
    end
end

function process_message()
    local fields = match(grammar, read_message("Payload"))
    if not fields then return -1 end

    if fields.timestamp then
        msg.Timestamp = fields.timestamp
        fields.timestamp = nil
    end
    if not hostname_keep then
        msg.Hostname = fields.hostname or fields.source
        fields.hostname, fields.source = nil, nil
    end
    set_severity(fields)

    local tag = fields.syslogtag
    if tag then
        msg.Pid = tag.pid
        fields.programname = tag.programname
        fields.syslogtag = nil
    end
    msg.Payload = fields.msg
    fields.msg = nil

    msg.Fields = fields
    if not pcall(inject_message, msg) then return -1 end
    return 0
end
