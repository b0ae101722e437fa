"""Lists of bytes through a socket, and the thread that answers for a board."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Sequence

from rushlight.distributed.board import Board

_PARTS = 1 << 16  # of one request, at most: anything longer is not ours


def send(connection: socket.socket, parts: Sequence[bytes]) -> None:
    """Send a list of bytes: how many, how long each is, then all of them."""
    lengths = struct.pack(f"<I{len(parts)}Q", len(parts), *map(len, parts))
    connection.sendall(b"".join((lengths, *parts)))


def receive(connection: socket.socket) -> list[bytes]:
    """The list of bytes that was sent. Raises ConnectionError where the other side has closed."""
    (count,) = struct.unpack("<I", _exactly(connection, 4))
    if count > _PARTS:
        raise ConnectionError(f"{count} parts: this is no process of the group")
    lengths = struct.unpack(f"<{count}Q", _exactly(connection, 8 * count))
    return [bytes(_exactly(connection, length)) for length in lengths]


def _exactly(connection: socket.socket, count: int) -> bytearray:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = connection.recv_into(view)
        if not got:
            raise ConnectionError("Connection closed by peer")
        view = view[got:]
    return data


class Server:
    """Answers for `board`, one thread for each process that connects."""

    def __init__(self, board: Board, host: str, port: int) -> None:
        self.board = board
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="store", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        """The first request is b"hello" and the rank of the process (-1: none)."""
        rank = -1
        # What is no request ends the connection: it came from no process of ours.
        with connection, contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, given = receive(connection)
            rank = int(given)
            send(connection, [b"hello"])
            while True:
                send(connection, self.board.answer(receive(connection)))
        if rank >= 0:
            self.board.leave(rank)

    def close(self) -> None:
        """Take no more connections; the port is free then."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or `accept` would wait for one more
        self._listener.close()
