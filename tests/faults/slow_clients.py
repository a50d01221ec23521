#!/usr/bin/env python3
"""Two thousand clients that send a byte now and then do not slow the others down.

Each slow client opens a connection and sends the head of a request byte by byte,
never finishing it: over HTTP, over the binary protocol, and as the start of a
TLS handshake. They run in a process of their own, so that their work does not
show in the times that are measured here.
"""

import asyncio
import http.client
import json
import multiprocessing
import pathlib
import resource
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from server import EMAIL, Server, Suite  # noqa: E402

CLIENTS = 2000
# Seconds between two bytes of one client, and how many bytes it has to send: it
# stays busy for longer than the measurement takes.
PAUSE_S = 1.0
BYTES = 60
CALLS = 1500
# The 99th percentile may grow to this multiple of the idle server's, or to the
# floor, below which the noise of a shared machine decides.
GROWTH_LIMIT = 2.0
FLOOR_MS = 50.0
# What an unfinished request may cost the server.
BYTES_PER_CLIENT_LIMIT = 64 * 1024
LIMIT_S = 60

HEADS = [
    b"GET /userinfo?" + b"x" * BYTES,
    # Length of the request, length of the method name, and then the name.
    b"\xff\x00\x08userinfo\x01" + b"x" * BYTES,
    # A TLS record of 256 bytes that holds the beginning of a client's hello.
    b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + b"x" * BYTES,
]


def raise_file_limit():
    """Allows as many open files as this user may; answers that number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


async def dribble(host, port, number, opened):
    """One slow client."""
    # Twenty source addresses, so that a limit per address is not what is tested.
    source = (f"127.0.0.{2 + number % 20}", 0)
    try:
        _, writer = await asyncio.open_connection(host, port, local_addr=source)
    except OSError:
        return
    with opened.get_lock():
        opened.value += 1
    try:
        for byte in HEADS[number % len(HEADS)][:BYTES]:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(PAUSE_S)
    except OSError:
        # The server may cut off a client that is this slow.
        pass
    finally:
        writer.close()


def slow_clients(host, port, opened):
    """Body of the process that holds all slow clients."""

    async def all_of_them():
        await asyncio.gather(*(dribble(host, port, n, opened) for n in range(CLIENTS)))

    asyncio.run(all_of_them())


def measure(server, auth):
    """The 99th percentile of ordinary calls on one connection, in milliseconds."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=LIMIT_S)
    times_ms = []
    for _ in range(CALLS):
        began = time.perf_counter()
        connection.request("GET", "/userinfo?auth=" + urllib.parse.quote(auth))
        answer = json.loads(connection.getresponse().read())
        times_ms.append((time.perf_counter() - began) * 1000)
        if answer["result"] != 0:
            raise AssertionError(f"userinfo answered {answer}")
    connection.close()
    return sorted(times_ms)[CALLS * 99 // 100]


def memory_bytes(server):
    """Resident memory of the server process."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def run(server, suite):
    """Measures without and with the slow clients."""
    auth = server.pileus("token", "create", EMAIL)
    idle_ms = measure(server, auth)
    before = memory_bytes(server)
    opened = multiprocessing.Value("i", 0)
    others = multiprocessing.Process(
        target=slow_clients, args=(server.host, server.port, opened), daemon=True
    )
    others.start()
    try:
        until = time.monotonic() + LIMIT_S
        while opened.value < CLIENTS and others.is_alive() and time.monotonic() < until:
            time.sleep(0.05)
        busy_ms = measure(server, auth)
        grown = memory_bytes(server) - before
        print(f"connections {opened.value}, memory +{grown // 1024} KiB,")
        print(f"99th percentile {idle_ms:.2f} ms alone, {busy_ms:.2f} ms beside them")

        def all_connected():
            assert opened.value == CLIENTS, f"only {opened.value} connections were made"

        def others_undisturbed():
            limit_ms = max(GROWTH_LIMIT * idle_ms, FLOOR_MS)
            assert busy_ms <= limit_ms, f"{busy_ms:.2f} ms is over {limit_ms:.2f} ms"

        def memory_bounded():
            each = grown / CLIENTS
            assert each <= BYTES_PER_CLIENT_LIMIT, f"{each:.0f} bytes for each client"

        suite.case("every slow client is connected", all_connected)
        suite.case("ordinary calls stay quick beside them", others_undisturbed)
        suite.case("a slow client costs little memory", memory_bounded)
    finally:
        others.kill()
        others.join()
    suite.case("the server answers afterwards", measure, server, auth)


def main():
    suite = Suite()
    if raise_file_limit() < 2 * CLIENTS:
        print(f"skipped: slow clients (fewer than {2 * CLIENTS} open files are allowed)")
        print("0 passed, 0 failed")
        return
    server = Server("slow-clients")
    try:
        run(server, suite)
    except BaseException:
        server.stop(keep=True)
        raise
    suite.end(server)


if __name__ == "__main__":
    main()
