{"Uuid": "00000000000040008000000000000003", "Type": "t", "Logger": "l", "Payload": "message 3", "Fields": [{"type": "int", "values": [3], "name": "n"}]}
