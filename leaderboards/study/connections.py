"""Who may hold how many of a study server's connections, and how long without asking for anything.

An idle connection costs a client nothing, and each takes a place; so that none can lock raters out, whoever holds most
gives way, and those that ask for nothing go first.
"""

import ipaddress
from collections import Counter
from functools import lru_cache
from typing import Any

PLACES = 1000
"""A browser opens up to six, and 50 raters may be at it."""
OWN_PLACES = 500
"""Of one client; all raters of a proxy or a tunnel are one."""
UNASKED_PLACES = 150
"""Of one client that may not have asked for anything yet: each that is held makes every answer later."""
REQUEST_SECONDS = 5.0
"""For a request to come whole, of a few kilobytes, and for the first of a connection to begin."""
KEPT_SECONDS = 60.0
"""How long a connection is kept for a next request, and an answer for a client that takes none of it."""


# Every new connection asks for that of all that are there.
@lru_cache(maxsize=4 * PLACES)
def client_of(address: str) -> str:
    """Whom an address belongs to: itself, and of IPv6 the network of 64 bits that one machine may have."""
    try:
        whole = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((whole, 64), strict=False)) if whole.version == 6 else address


class Places:
    """The places of a server of waitress, in whose own thread everything here runs."""

    def __init__(self, server: Any, places: int = PLACES, own_places: int = OWN_PLACES) -> None:
        """Guard a server that does not run yet; it has to take more connections than there are places."""
        self._server = server
        self._channel = server.channel_class
        self._places = places
        self._own_places = own_places
        self._begun: dict[Any, float] = {}
        server.channel_class = self.admit
        server.maintenance = self.close_idle

    def admit(self, server: Any, connection: Any, address: Any, adjustments: Any, map: Any) -> Any:
        """A channel for a new connection; where there is no place, another gives way, or it is closed at once."""
        there = [channel for channel in server.active_channels.values() if not channel.will_close]
        own = [channel for channel in there if client_of(channel.addr[0]) == client_of(address[0])]
        unasked = [channel for channel in own if _is_idle(channel) and not _has_asked(channel)]
        crowded = None
        if len(unasked) >= UNASKED_PLACES:
            crowded = unasked
        elif len(own) >= self._own_places:
            crowded = own
        elif len(there) >= self._places:
            ((most, _),) = Counter(client_of(channel.addr[0]) for channel in there).most_common(1)
            crowded = [channel for channel in there if client_of(channel.addr[0]) == most]
        if crowded is not None and not self._make_room(crowded):
            connection.close()
            return None
        return self._channel(server, connection, address, adjustments, map=map)

    def close_idle(self, now: float) -> None:
        """Close connections whose time is over; waitress calls this every second."""
        channels = list(self._server.active_channels.values())
        unfinished = [channel.request for channel in channels if channel.request is not None]
        self._begun = {request: self._begun.get(request, now) for request in unfinished}
        for channel in channels:
            if self._is_over(channel, now):
                channel.will_close = True

    def _is_over(self, channel: Any, now: float) -> bool:
        if channel.requests and not channel.total_outbufs_len:
            # Its answer is being made.
            return False
        if channel.request is not None:
            return now - self._begun[channel.request] > REQUEST_SECONDS
        seconds = KEPT_SECONDS if _has_asked(channel) else REQUEST_SECONDS
        return bool(now - channel.last_activity > seconds)

    def _make_room(self, channels: list[Any]) -> bool:
        idle = [channel for channel in channels if _is_idle(channel)]
        if not idle:
            return False
        # A rater's, kept from question to question, goes after those that never finished a request.
        first = min(idle, key=lambda channel: (_has_asked(channel), channel.last_activity))
        first.will_close = True
        return True


def _is_idle(channel: Any) -> bool:
    """Whether no answer is being made or sent."""
    return not channel.requests and not channel.total_outbufs_len


def _has_asked(channel: Any) -> bool:
    return channel.request is None and bool(channel.last_activity > channel.creation_time)
