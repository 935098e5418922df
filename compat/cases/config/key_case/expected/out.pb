{"Type": "logfile", "Logger": "src", "Payload": "p", "Hostname": "server.test"}
