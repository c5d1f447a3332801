"""Asks a server N times on each of several connections at once, and says in each path which port asks: python3 https_crowd_asyncio.py HOST PORT CONNECTIONS N."""

import asyncio
import ssl
import sys

host, port, connections, n = sys.argv[1], *map(int, sys.argv[2:])


async def ask(context):
    for _ in range(3):  # each connection is followed by another one, twice
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        mine = writer.get_extra_info("sockname")[1]
        for _ in range(n // 3):
            writer.write(f"GET /from/{mine} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            await reader.readuntil(b"xxxxxxxxxx")
        writer.close()


async def main():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    await asyncio.gather(*(ask(context) for _ in range(connections)))


asyncio.run(main())
