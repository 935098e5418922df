{"Type": "heka.terminated", "Logger": "hekad", "Payload": "log (type LogOutput) terminated. Error: Encoder required.", "Hostname": "server.test", "Fields": [{"type": "string", "values": ["log"], "name": "plugin", "representation": ""}]}
{"Type": "logfile", "Logger": "src", "Payload": "x\n", "Hostname": "server.test"}
