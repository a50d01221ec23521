"""A real server and counted cases for the suites that are written in Python.

The counterpart of suite.sh: the same work folder, the same account, the same
last line "N passed, N failed".
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
EMAIL = "ann@example.com"
PASSWORD = "a pass word for tests: 1+1=2 & so on"
START_LIMIT_S = 30
STOP_LIMIT_S = 30


def server_binary():
    """The program under test."""
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    return os.environ.get("SERVER_BINARY", str(target / "release" / "pileus"))


class Server:
    """A running server with one account, in a work folder of its own."""

    def __init__(self, suite, *arguments):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=f"pileus-{suite}."))
        self.data = self.work / "data"
        self.log = self.work / "server.log"
        self.arguments = arguments
        self.pileus("user", "add", EMAIL, "--password", PASSWORD)
        self._start()

    def _start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [server_binary(), "serve", "--data", str(self.data)]
                + ["--listen", "127.0.0.1:0", "--admin", "off", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.host, port = self._await_line(r"^listening on \w+://([^:/ ]+):(\d+)")
        self.port = int(port)
        self.url = f"http://{self.host}:{port}/"

    def restart(self):
        """Ends the server and starts another one on the same data, on another port, with a new log."""
        problems = self._end()
        if problems:
            raise RuntimeError(f"the server did not end well: {problems}")
        self._start()

    def ca_file(self):
        """The certificate to trust, of a server started with --tls-self-signed."""
        return self._await_line(r"^CA certificate: (.+)$")[0]

    def pileus(self, *arguments):
        """Runs an administrator's command on the data folder; answers its output."""
        done = subprocess.run(
            [server_binary(), *arguments, "--data", str(self.data)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout.strip()

    def stop(self, keep):
        """Ends the server; the work folder goes as well unless it shall be kept."""
        problems = self._end()
        if keep or problems:
            print("end of the server's log:")
            for line in self.log.read_text(errors="replace").splitlines()[-20:]:
                print("  |", line)
            print("kept for a look:", self.work)
        else:
            shutil.rmtree(self.work)
        return problems

    def _end(self):
        """Ends the process; answers what was wrong with it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "none: it had to be killed"
        problems = []
        if code != 0:
            problems.append(f"the server's exit code was {code}")
        if "panicked at" in self.log.read_text(errors="replace"):
            problems.append("the server panicked")
        return problems

    def _await_line(self, pattern):
        until = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until:
            found = re.search(pattern, self.log.read_text(errors="replace"), re.MULTILINE)
            if found:
                return found.groups()
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        raise RuntimeError(f"the server did not start:\n{self.log.read_text(errors='replace')}")


class Suite:
    """Counts cases: functions that raise when something does not hold."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def case(self, title, function, *arguments):
        """Runs one case."""
        try:
            function(*arguments)
        except Exception:  # whatever a foreign client raises fails the case, not the suite
            self.fail(title)
            traceback.print_exc(limit=-4, file=sys.stdout)
        else:
            self.passed += 1
            print("ok     ", title, flush=True)

    def fail(self, title):
        """Counts a failure."""
        self.failed += 1
        print("FAILED ", title, flush=True)

    def end(self, server):
        """Stops the server, tells the totals and ends the program."""
        for problem in server.stop(keep=self.failed > 0):
            self.fail(problem)
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)


def same(what, expected, found):
    """Raises unless both are equal."""
    if expected != found:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")
