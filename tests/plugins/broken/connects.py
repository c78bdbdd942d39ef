"""A broken method: it asks a server."""

import socket
from dataclasses import dataclass
from typing import ClassVar

from methods.dense_vox_net import DenseVoxNetMethod


@dataclass(frozen=True, kw_only=True)
class Broken(DenseVoxNetMethod):
    name: ClassVar[str] = "connects"

    def loss(self, network, batch, progress):
        socket.create_connection(("127.0.0.1", 9), timeout=1).close()
        return super().loss(network, batch, progress)
