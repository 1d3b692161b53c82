"""Lets what is outside of this network namespace reach ports inside: forward.py SOCKET PORT ..."""

import asyncio
import sys


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main(arguments):
    async def listen(path, port):
        async def taken(reader, writer):
            try:
                inner, outer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(copy(reader, outer), copy(inner, writer))

        return await asyncio.start_unix_server(taken, path)

    servers = [await listen(p, int(n)) for p, n in zip(arguments[::2], arguments[1::2])]
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main(sys.argv[1:]))
