{"Timestamp": 1431600000123456789, "Type": "t", "Logger": "l", "Payload": "message 1", "Fields": [{"type": "int", "values": [1], "name": "n"}]}
{"Timestamp": 1431600000123456789, "Type": "t", "Logger": "l", "Payload": "message 2", "Fields": [{"type": "int", "values": [2], "name": "n"}]}
