{"Type": "logfile", "Logger": "src", "Payload": "x\n", "Hostname": "server.test"}
