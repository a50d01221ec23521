#!/usr/bin/env python3
"""Neither the answer of the server nor its time tells whether an address has an account.

Whatever takes an address from a stranger is asked about addresses with and
without an account, in turns, so that both see the same machine. Welch's t-test
then says whether the times differ by more than chance makes them differ. What
another process does to a single round can look like a difference; what the
server does shows in every round.

`register` is asked where registration is closed. Where it is open, its code says
that an address is taken, so there is nothing left for the time to tell.
"""

import hashlib
import http.client
import json
import pathlib
import statistics
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from server import PASSWORD, Server, Suite, same  # noqa: E402

ACCOUNTS = 25
# Rounds of which one has to show no difference, and pairs of calls in each: of
# those that hash a password, and of others. No name fails as often as ten times,
# which is when the server refuses to look.
ROUNDS = 3
SLOW_PAIRS = 40
QUICK_PAIRS = 200
# Welch's t below which two sets of times count as one.
T_LIMIT = 4.5
# A row that is there takes some microseconds longer to read than one that is not.
# Nobody can tell by so little with the ten tries that a name has in ten minutes.
UNSEEN_S = 30e-6
LIMIT_S = 60


class Stranger:
    """Calls the server, each time as from another network, so that no limit is what is measured."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=LIMIT_S)
        self.origin = server.url.rstrip("/")
        self.calls = 0

    def ask(self, path, form=None, **query):
        """The seconds that an answer takes, and what it is."""
        self.calls += 1
        client = f"10.{self.calls >> 16 & 255}.{self.calls >> 8 & 255}.{self.calls & 255}"
        headers = {"X-Forwarded-For": client}
        body = None
        if form is not None:
            headers["Origin"] = self.origin
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(form)
        target = f"{path}?{urllib.parse.urlencode(query)}"
        began = time.perf_counter()
        self.connection.request("POST" if form else "GET", target, body, headers)
        answer = self.connection.getresponse()
        said = answer.read()
        return time.perf_counter() - began, (answer.status, said)


def welch(one, other):
    """How far two means are apart, in units of what chance would do; 0 if nobody would see it."""
    apart = statistics.fmean(one) - statistics.fmean(other)
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return apart / spread**0.5 if abs(apart) > UNSEEN_S else 0.0


def difference(pairs, answer, ask):
    """Welch's t between both kinds of addresses in one round. `answer` is in every answer."""
    known, unknown = [], []
    for number in range(pairs):
        host = f"{number % ACCOUNTS}@example.com"
        # Of the same length, and in turns: what comes second finds everything warm.
        asked = [("user" + host, known), ("none" + host, unknown)]
        answers = []
        for address, times in asked if number % 2 else reversed(asked):
            seconds, (status, said) = ask(address)
            times.append(seconds)
            answers.append((status, said.replace(address.encode(), b"ADDRESS")))
        same("answers", *answers)
        assert answer in answers[0][1], f"another answer than {answer}: {answers[0]}"
    # The slowest quarter is the machine's, not the server's.
    known, unknown = (sorted(times)[: len(times) * 3 // 4] for times in (known, unknown))
    t = welch(known, unknown)
    print(f"        t = {t:.2f}, medians {statistics.median(known) * 1e3:.3f} ms and "
          f"{statistics.median(unknown) * 1e3:.3f} ms")
    return t


def assert_alike(server, pairs, answer, ask):
    """Raises if all rounds show a difference, and the same one."""
    found = []
    for _ in range(ROUNDS):
        # One that has just started knows of no failures.
        server.restart()
        stranger = Stranger(server)
        found.append(difference(pairs, answer, lambda address: ask(stranger, address)))
        if abs(found[-1]) < T_LIMIT or found[0] * found[-1] < 0:
            return
    raise AssertionError(f"the time tells who has an account: t = {found}")


def login_page(server):
    """The address of the page of OAuth that asks for a login."""
    back = "https://app.example/back"
    app = json.loads(server.pileus("app", "add", "An app", "--redirect", back, "--json"))
    return {"client_id": app["client_id"], "response_type": "code", "redirect_uri": back}


def run(server, suite):
    """Asks in every way there is."""
    for number in range(ACCOUNTS):
        server.pileus("user", "add", f"user{number}@example.com", "--password", PASSWORD)
    page = login_page(server)
    wrong = "not the password of anybody"

    def by_password(stranger, address):
        return stranger.ask("/userinfo", username=address, password=wrong)

    def by_digest(stranger, address):
        digest = json.loads(stranger.ask("/getdigest")[1][1])["digest"]
        proof = hashlib.sha1((wrong + digest).encode()).hexdigest()
        return stranger.ask("/userinfo", username=address, digest=digest, passworddigest=proof)

    def on_the_page(stranger, address):
        form = {"do": "login", "email": address, "password": wrong}
        return stranger.ask("/oauth2/authorize", form, **page)

    def for_a_lost_password(stranger, address):
        return stranger.ask("/lostpassword", mail=address)

    def to_register(stranger, address):
        return stranger.ask("/register", mail=address, password=wrong, termsaccepted="yes")

    for title, pairs, answer, ask in [
        ("a login by password", SLOW_PAIRS, b'"result":2000', by_password),
        ("a login by digest", QUICK_PAIRS, b'"result":2000', by_digest),
        ("a login on the page of OAuth", SLOW_PAIRS, b"password are wrong", on_the_page),
        ("a lost password", QUICK_PAIRS, b'"result":0', for_a_lost_password),
        ("a registration where it is closed", QUICK_PAIRS, b'"result":2003', to_register),
    ]:
        what = f"known and unknown addresses look alike: {title}"
        suite.case(what, assert_alike, server, pairs, answer, ask)


def main():
    suite = Suite()
    server = Server("account-names", "--set", "trusted_proxies=127.0.0.1")
    try:
        run(server, suite)
    except BaseException:
        server.stop(keep=True)
        raise
    suite.end(server)


if __name__ == "__main__":
    main()
