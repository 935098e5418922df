{"Type": "logfile", "Logger": "src", "Payload": "ok a", "Hostname": "server.test"}
{"Type": "logfile", "Logger": "src", "Payload": "ok b", "Hostname": "server.test"}
