"""A plugin of pytest: connections to one host and port arrive at another.

Both are given as HOST:PORT, in the environment variables LEAD_FROM and LEAD_TO.
Names in certificates are still checked for the host that was asked for.
"""

import os
import socket


def _address(variable):
    host, _, port = os.environ[variable].rpartition(":")
    return host, int(port)


FROM, TO = _address("LEAD_FROM"), _address("LEAD_TO")
_look_up = socket.getaddrinfo


def _led(host, port, *arguments, **options):
    name = host.decode() if isinstance(host, bytes) else host
    if (name, port) == FROM:
        host, port = TO
    return _look_up(host, port, *arguments, **options)


socket.getaddrinfo = _led
