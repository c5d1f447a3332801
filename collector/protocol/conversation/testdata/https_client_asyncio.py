"""Asks a server N times, on one connection, by asyncio, which encrypts into memory: python3 https_client_asyncio.py HOST PORT N."""

import asyncio
import ssl
import sys


async def main():
    host, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    for i in range(n):
        path = ["/items/17", "/missing/x", "/large"][i % 3]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r")[0]))
    writer.close()


asyncio.run(main())
