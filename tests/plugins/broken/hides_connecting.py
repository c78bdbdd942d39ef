"""A broken method: it asks a server, and says nothing where it cannot."""

import socket
from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "hides-connecting"

    def loss(self, network, batch, progress):
        try:
            socket.create_connection(("127.0.0.1", 9), timeout=1).close()
        except Exception:
            pass
        return super().loss(network, batch, progress)
