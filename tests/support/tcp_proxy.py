"""A TCP path on loopback that breaks as networks do: reset, or silent for a while."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_CHUNK = 65_536


def _reset(writer: asyncio.StreamWriter) -> None:
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass(slots=True)
class TcpProxy:
    """Passes connections on to one port; made by ``tcp_proxy``."""

    target: int
    port: int = 0
    accepted: int = 0
    """Connections so far."""
    _passes: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def reset(self) -> None:
        """End every connection with RST, at both ends."""
        for writer in tuple(self._writers):
            _reset(writer)

    def hold(self) -> None:
        """Let nothing through, of new connections either; nobody is told."""
        self._passes.clear()

    def release(self) -> None:
        """Let everything through again, what was held first."""
        self._passes.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection."""
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        try:
            with suppress(OSError):
                await self._passes.wait()
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
                self._writers.add(far_writer)
                try:
                    ways = [self._pass(reader, far_writer), self._pass(far_reader, writer)]
                    await asyncio.gather(*ways)
                finally:
                    self._end(far_writer)
        finally:
            self._end(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            data = await reader.read(_CHUNK)
            await self._passes.wait()
            if not data:
                break
            writer.write(data)
            await writer.drain()
        if not writer.is_closing():  # reset meanwhile
            writer.write_eof()

    def _end(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

    async def close(self) -> None:
        """End what is left."""
        self.release()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def tcp_proxy(target: int) -> AsyncIterator[TcpProxy]:
    """A path to a port of 127.0.0.1."""
    proxy = TcpProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    proxy.release()
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
