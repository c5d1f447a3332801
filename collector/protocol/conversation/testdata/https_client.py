"""Asks a server N times, on one connection: python3 https_client.py HOST PORT N."""

import http.client
import ssl
import sys

host, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
connection = http.client.HTTPSConnection(host, port, context=context)
for i in range(n):
    path = ["/items/17", "/missing/x", "/large"][i % 3]
    connection.request("GET", path)
    connection.getresponse().read()
