#!/usr/bin/env python3
"""Mails to a real mail server, and the pages that their links lead to.

aiosmtpd plays the mail server: with STARTTLS, which the server under test must
check, and with a login. Mails are read as any mail program reads them, links are
followed, and forms are filled in and sent.
"""

import email
import email.policy
import html.parser
import json
import logging
import os
import pathlib
import shutil
import socket
import ssl
import sys
import threading
import time
import urllib.parse
import urllib.request

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from server import EMAIL, PASSWORD, Server, Suite, same  # noqa: E402

# aiosmtpd warns of a name that only itself reads.
logging.getLogger("mail.log").setLevel(logging.ERROR)

USER = "pileus"
SECRET = "a secret for the mail server"
MAIL_LIMIT_S = 20
# Nothing must come within this time. A mail takes some milliseconds.
SILENCE_S = 1.0
# The server looks for mails to be tried again this often.
RETRY_LOOK_S = 5


class Mailbox:
    """What arrives, as the mail server's handler."""

    def __init__(self):
        self.arrived = threading.Condition()
        self.mails = []
        self.refusals = []
        self.tries = 0

    async def handle_DATA(self, server, session, envelope):
        with self.arrived:
            self.tries += 1
            self.arrived.notify_all()
            if self.refusals:
                return self.refusals.pop(0)
            mail = email.message_from_bytes(envelope.content, policy=email.policy.SMTP)
            self.mails.append((envelope, session, mail))
        return "250 thank you"

    def take(self):
        """The oldest mail that was not taken yet; waits for it."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.mails, MAIL_LIMIT_S), "no mail came"
            return self.mails.pop(0)

    def assert_silent(self):
        time.sleep(SILENCE_S)
        with self.arrived:
            same("mails", 0, len(self.mails))


def authenticator(server, session, envelope, mechanism, data):
    """Lets in whoever knows the name and the secret."""
    is_right = data.login == USER.encode() and data.password == SECRET.encode()
    return AuthResult(success=is_right, handled=not is_right)


class Page(html.parser.HTMLParser):
    """The form of a page: its hidden parameters and its fields."""

    def __init__(self, text):
        super().__init__()
        self.hidden, self.fields = {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "script":
            raise AssertionError("a page has a script")
        if tag == "input" and named["type"] == "hidden":
            self.hidden[named["name"]] = named["value"]
        elif tag == "input":
            self.fields.append(named["name"])


class Site:
    """The server under test with its mail server."""

    def __init__(self, suite):
        self.suite = suite
        self.tls = make_certificate()
        self.mailbox = Mailbox()
        self.sink = None
        self.start_sink(0)
        self.clock = self.tls / "clock"
        self.set_clock(0)
        os.environ["PILEUS_TEST_CLOCK"] = str(self.clock)
        # The certificate that mail servers are checked against.
        os.environ["SSL_CERT_FILE"] = str(self.tls / "data" / "tls" / "ca.pem")
        self.server = Server(
            "smtp",
            "--set", "registration=open",
            "--set", "smtp.host=127.0.0.1",
            "--set", f"smtp.port={self.sink.port}",
            "--set", f"smtp.user={USER}",
            "--set", f"smtp.password={SECRET}",
            "--set", "mail.from=files@example.org",
            "--set", "mail.name=Our Files",
        )

    def start_sink(self, port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder = self.tls / "data" / "tls"
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.sink = Controller(
            self.mailbox,
            hostname="127.0.0.1",
            port=port or free_port(),
            require_starttls=True,
            tls_context=context,
            authenticator=authenticator,
            auth_required=True,
        )
        self.sink.start()

    def set_clock(self, ahead_s):
        # Renamed into place, so that the server never reads half a number.
        unfinished = self.clock.with_suffix(".next")
        unfinished.write_text(str(ahead_s))
        unfinished.rename(self.clock)

    def call(self, method, **params):
        query = urllib.parse.urlencode(params)
        with urllib.request.urlopen(f"{self.server.url}{method}?{query}") as answer:
            return json.load(answer)

    def ok(self, method, **params):
        answer = self.call(method, **params)
        same(f"result of {method}", 0, answer["result"])
        return answer

    def follow(self, link, **filled):
        """Opens the page of a link, fills its form in and sends it."""
        with urllib.request.urlopen(link) as answer:
            form = Page(answer.read().decode())
        same("fields of the form", sorted(filled), sorted(form.fields))
        data = urllib.parse.urlencode({**form.hidden, **filled}).encode()
        with urllib.request.urlopen(link, data) as answer:
            return answer.read().decode()

    def run(self):
        case = self.suite.case
        case("a registration sends one mail over TLS", self.register)
        case("its link verifies the address", self.verify)
        case("a lost password is set anew by the link of a mail", self.lost_password)
        case("a German gets German", self.german)
        case("what waits for delivery is not readable in the database", self.at_rest)
        case("while the mail server is away, calls succeed and mails wait", self.away)
        case("what it refuses for now is tried again", self.refused_for_now)
        case("what it refuses for good is given up", self.refused_for_good)
        case("secrets are not in the log", self.log_is_clean)
        self.sink.stop()

    def register(self):
        self.ok("register", mail="Eva@example.com", password=PASSWORD, termsaccepted="yes")
        envelope, session, self.first = self.mailbox.take()
        self.mailbox.assert_silent()
        assert session.ssl is not None, "the mail came without TLS"
        same("sender", "files@example.org", envelope.mail_from)
        same("recipients", ["Eva@example.com"], envelope.rcpt_tos)
        same("From", "Our Files <files@example.org>", self.first["from"])
        same("To", "Eva@example.com", self.first["to"])
        same("Subject", "Confirm your mail address", self.first["subject"])
        same("type", "multipart/alternative", self.first.get_content_type())
        assert self.first["message-id"] and self.first["date"]
        assert link(self.first) in body(self.first, "html").replace("&#38;", "&").replace("&amp;", "&")

    def verify(self):
        text = self.follow(link(self.first))
        assert "Your address is confirmed" in text, text
        answer = self.ok("userinfo", username="eva@example.com", password=PASSWORD)
        same("emailverified", True, answer["emailverified"])

    def lost_password(self):
        self.ok("lostpassword", mail="eva@example.com")
        mail = self.mailbox.take()[2]
        assert "127.0.0.1" in body(mail, "plain")
        self.follow(link(mail), newpassword="quite another one", endapps="1")
        same("old password", 2000, self.call("userinfo", username="eva@example.com", password=PASSWORD)["result"])
        self.ok("userinfo", username="eva@example.com", password="quite another one")

    def german(self):
        self.ok("register", mail="jörg@example.com", password=PASSWORD, termsaccepted="yes", language="de")
        # An address outside of ASCII needs a mail server that can do it; this one can.
        envelope, _, mail = self.mailbox.take()
        same("recipients", ["jörg@example.com"], envelope.rcpt_tos)
        same("Subject", "Bestätige deine Mailadresse", mail["subject"])
        assert "Bitte bestätige, dass die Adresse dir gehört." in body(mail, "plain")
        assert 'lang="de"' in body(mail, "html")
        assert "Danke. Deine Adresse ist bestätigt." in self.follow(link(mail))

    def at_rest(self):
        self.mailbox.refusals = ["451 later"]
        failures = self.failures()
        self.ok("lostpassword", mail="eva@example.com")
        self.await_failures(failures + 1)
        kept = b"".join(file.read_bytes() for file in self.server.data.glob("pileus.db*"))
        self.set_clock(120)
        code = link(self.mailbox.take()[2]).rpartition("code=")[2]
        assert b"Choose a new password" not in kept, "a mail is readable"
        assert code.encode() not in kept, "a code is readable"
        assert b"Eva@example.com" in kept, "the wrong files were looked at"

    def away(self):
        port = self.sink.port
        self.sink.stop()
        failures = self.failures()
        self.ok("lostpassword", mail=EMAIL)
        self.await_failures(failures + 1)
        self.start_sink(port)
        self.set_clock(300)
        mail = self.mailbox.take()[2]
        same("To", EMAIL, mail["to"])
        self.set_clock(10_000)
        time.sleep(RETRY_LOOK_S)
        self.mailbox.assert_silent()

    def refused_for_now(self):
        self.mailbox.refusals = ["451 later", "421 not now"]
        failures = self.failures()
        self.ok("lostpassword", mail=EMAIL)
        for attempt, ahead_s in enumerate([10_100, 10_300], start=1):
            self.await_failures(failures + attempt)
            self.set_clock(ahead_s)
        same("To", EMAIL, self.mailbox.take()[2]["to"])

    def refused_for_good(self):
        self.mailbox.refusals = ["550 unknown here"] * 6
        tries, failures = self.mailbox.tries, self.failures()
        self.ok("lostpassword", mail=EMAIL)
        for attempt in range(1, 5):
            self.await_failures(failures + attempt)
            self.set_clock(20_000 + 4000 * attempt)
        self.await_log("a mail is given up")
        self.set_clock(60_000)
        time.sleep(RETRY_LOOK_S + SILENCE_S)
        same("tries", 5, self.mailbox.tries - tries)
        self.mailbox.refusals = []

    def log_is_clean(self):
        log = self.server.log.read_text()
        for secret in [SECRET, PASSWORD, "quite another one", "code="]:
            assert secret not in log, f"{secret} is in the log"

    def failures(self):
        """How many deliveries have failed and are put off."""
        return self.server.log.read_text().count("will be tried again")

    def await_failures(self, count):
        """Waits until so many have. Only then the clock may be moved on: the next try counts from it."""
        self.await_log("will be tried again", count)

    def await_log(self, text, count=1):
        until = time.monotonic() + MAIL_LIMIT_S
        while self.server.log.read_text().count(text) < count:
            assert time.monotonic() < until, f"not {count} lines with {text!r} in the log"
            time.sleep(0.05)


def without_tls(suite):
    """A mail server that offers no TLS gets nothing."""
    mailbox = Mailbox()
    sink = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    sink.start()
    server = Server("smtp-plain", "--set", "smtp.host=127.0.0.1", "--set", f"smtp.port={sink.port}")

    def nothing_is_sent():
        urllib.request.urlopen(f"{server.url}lostpassword?mail={EMAIL}").read()
        until = time.monotonic() + MAIL_LIMIT_S
        while "will be tried again" not in server.log.read_text():
            assert time.monotonic() < until, "no attempt in the log"
            time.sleep(0.05)
        mailbox.assert_silent()

    suite.case("without TLS nothing is sent", nothing_is_sent)
    sink.stop()
    for problem in server.stop(keep=False):
        suite.fail(problem)


def body(mail, kind):
    """The text or HTML of a mail."""
    return mail.get_body((kind,)).get_content()


def link(mail):
    """The link of a mail."""
    return next(word for word in body(mail, "plain").split() if "code=" in word)


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate():
    """A folder with a certificate for 127.0.0.1, made by the server itself."""
    server = Server("smtp-certificate", "--tls-self-signed")
    server.ca_file()
    work = server.work
    server.process.terminate()
    server.process.wait()
    return work


def main():
    suite = Suite()
    site = Site(suite)
    site.run()
    without_tls(suite)
    shutil.rmtree(site.tls)
    suite.end(site.server)


if __name__ == "__main__":
    main()
