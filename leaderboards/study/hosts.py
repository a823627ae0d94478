"""Which names a server answers to.

A page elsewhere can point a name of its own at this machine and have a browser here read what the server says (DNS
rebinding); such requests carry that name in their header Host.
"""

import ipaddress
import socket
from collections.abc import Iterable


class Hosts:
    """The names and addresses by which a server may be called."""

    def __init__(self, listens_on: str, more: Iterable[str] = ()) -> None:
        """A server that listens on an address or name, and is known by `more` names, as behind a proxy."""
        self._names = {name.lower() for name in ("localhost", listens_on, *more)}
        self._loopback_only = is_loopback(listens_on)
        if not self._loopback_only:
            self._names.add(socket.gethostname().lower())

    def allows(self, header: str) -> bool:
        """Whether a header Host, with or without a port, names this server.

        The port may be any, since a tunnel has its own; an address cannot be rebound, so any will do where the server
        does not listen on loopback alone.
        """
        name = _without_port(header).lower()
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return address.is_loopback or not self._loopback_only


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
