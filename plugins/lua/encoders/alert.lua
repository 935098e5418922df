-- This Source Code Form is subject to the terms of the Mozilla Public
-- License, v. 2.0. If a copy of the MPL was not distributed with this
-- file, You can obtain one at http://mozilla.org/MPL/2.0/.

--[[
Makes a text of an alert that a filter sent, for an email or a chat: its time, host, the filter's name and what it says.

Config:

    none

*Example Heka Configuration*

.. code-block:: ini

    [FxaAlert]
    type = "SmtpOutput"
    message_matcher = "Fields[payload_type] == 'alert' && Logger =~ /^Fxa/"
    send_from = "heka@example.com"
    send_to = ["alert@example.com"]
    auth = "Plain"
    user = "test"
    password = "testpw"
    host = "localhost:25"
    encoder = "AlertEncoder"

    [AlertEncoder]
    type = "SandboxEncoder"
    filename = "lua_encoders/alert.lua"

*Example Output*

.. code-block:: text

    Timestamp: 2014-05-14T14:20:18Z
    Hostname: ip-10-226-204-51
    Plugin: FxaBrowserIdHTTPStatus
    Alert: HTTP Status - algorithm: roc col: 1 msg: detected anomaly, standard deviation exceeds 1.5
--]]

require "os"
require "string"

local layout = "Timestamp: %s\nHostname: %s\nPlugin: %s\nAlert: %s\n"

function process_message()
    local time = os.date("%FT%TZ", read_message("Timestamp") / 1e9)
    local text = string.format(layout, time, read_message("Hostname"), read_message("Logger"), read_message("Payload"))
    inject_payload("txt", "", text)
    return 0
end
