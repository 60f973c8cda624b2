"""A TCP proxy: one address for a server that comes back elsewhere, as a Service has."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from types import TracebackType


class Proxy:
    """Hands connections on to a port of this machine, one after the other.

    Args:
        listener: Where it is reached.
        port: Where it leads to; it may be changed.
    """

    def __init__(self, listener: socket.socket, port: int) -> None:
        self._listener, self.port = listener, port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(20)

    def _serve(self) -> None:
        self._listener.settimeout(0.05)
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            with client, suppress(OSError):
                self._hand_on(client)

    def _hand_on(self, client: socket.socket) -> None:
        with (
            socket.create_connection(("127.0.0.1", self.port)) as server,
            selectors.DefaultSelector() as selector,
        ):
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while not self._ended.is_set():
                for key, _ in selector.select(0.05):
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    data = source.recv(65536)
                    if not data:
                        return
                    key.data.sendall(data)
