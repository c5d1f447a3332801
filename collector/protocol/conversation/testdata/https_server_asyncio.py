"""Serves HTTPS by asyncio, which encrypts into memory: python3 https_server_asyncio.py CERTIFICATE KEY. Prints its address."""

import asyncio
import ssl
import sys


async def serve(reader, writer):
    while head := await reader.readuntil(b"\r\n\r\n"):
        path = head.split(b" ")[1]
        body = b"x" * (50_000 if b"large" in path else 10)
        status = b"404 Not Found" if b"missing" in path else b"200 OK"
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
        await writer.drain()


async def connected(reader, writer):
    try:
        await serve(reader, writer)
    except asyncio.IncompleteReadError:
        writer.close()


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    print("%s:%d" % server.sockets[0].getsockname(), flush=True)
    await server.serve_forever()


asyncio.run(main())
