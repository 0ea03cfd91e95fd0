"""S09: notices by e-mail, seen by a mail server of this machine."""

from __future__ import annotations

import email
import json
import socketserver
import threading
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from email.policy import default

import pytest

from orchestration.errors import ConfigurationError
from orchestration.release.publish import OutboxMessage
from orchestration.targets.mail import Email, email_from
from orchestration.targets.outbox import DeliveryError

pytestmark = pytest.mark.fault("S09")
NOW = datetime(2026, 11, 1, 6, 0)


class MailServer:
    """Speaks as much SMTP as it takes; keeps what it was given, or says no."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], EmailMessage]] = []
        self.refuse: dict[str, str] = {}
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                told: list[str] = []
                self.say("220 here")
                for line in iter(self.rfile.readline, b""):
                    command = line.decode().strip()
                    verb = command.split(":")[0].upper()[:9]
                    if verb in owner.refuse:
                        self.say(owner.refuse[verb])
                    elif verb == "DATA":
                        self.say("354 go on")
                        owner.got.append((told, self.data()))
                        told = []
                        self.say("250 taken")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        if verb == "RCPT TO":
                            told.append(command.partition("<")[2].rstrip(">"))
                        self.say("250 ok")

            def data(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line.removeprefix(b"."))
                message = email.message_from_bytes(b"".join(lines), policy=default)
                assert isinstance(message, EmailMessage)
                return message

            def say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def target(self) -> Email:
        made = email_from(
            {
                "HOLDFAST_EMAIL_TO": "cfo@example.com, data@example.com",
                "HOLDFAST_EMAIL_FROM": "holdfast@example.com",
                "HOLDFAST_SMTP_HOST": "127.0.0.1",
                "HOLDFAST_SMTP_PORT": str(self.server.server_address[1]),
            }
        )
        assert made is not None
        return made


@pytest.fixture
def server() -> Iterator[MailServer]:
    made = MailServer()
    yield made
    made.server.shutdown()
    made.server.server_close()


def notice(kind: str = "release_published", **content: object) -> OutboxMessage:
    return OutboxMessage("run-1/release_published/email", kind, json.dumps(content), "email")


def test_everybody_is_told_once_under_a_name_that_stays(server: MailServer) -> None:
    for _ in range(2):
        server.target.deliver(notice(release=7, as_of="2026-10-31"), NOW)
    (told, first), (_, again) = server.got
    assert told == ["cfo@example.com", "data@example.com"]
    assert first["Subject"] == "Holdfast: release published"
    assert first["From"] == "holdfast@example.com"
    assert first.get_content().splitlines() == ["release: 7", "as_of: 2026-10-31"]
    # The same notice twice, after a crash, is known by its name.
    assert first["Message-ID"] == again["Message-ID"]


@pytest.mark.parametrize("evil", ["x\r\nBcc: all@example.com", "x\n\nbody", "x\x00y", "x\r.\r\n"])
def test_no_header_and_no_line_is_made_of_data(server: MailServer, evil: str) -> None:
    message = OutboxMessage(f"key {evil}", f"release {evil}", json.dumps({"code": evil}), "email")
    server.target.deliver(message, NOW)
    ((told, mail),) = server.got
    assert told == ["cfo@example.com", "data@example.com"]
    assert sorted(mail.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type",
         "Content-Transfer-Encoding", "MIME-Version"]
    )  # fmt: skip
    assert len(mail.get_content().splitlines()) == 1


@pytest.mark.parametrize(
    ("verb", "answer", "is_final"),
    [
        ("RCPT TO", "550 no such user", True),
        ("RCPT TO", "451 later", False),
        ("DATA", "552 too much", True),
        ("MAIL FROM", "421 busy", False),
    ],
)
def test_what_is_not_taken_is_tried_again_unless_it_never_will_be(
    server: MailServer, verb: str, answer: str, is_final: bool
) -> None:
    server.refuse = {verb: answer}
    with pytest.raises(DeliveryError) as caught:
        server.target.deliver(notice(), NOW)
    assert caught.value.is_final is is_final
    assert "example.com" not in str(caught.value)


def test_a_server_that_is_not_there_holds_up_nobody(server: MailServer) -> None:
    target = server.target
    server.server.server_close()
    with pytest.raises(DeliveryError, match=r"at 127\.0\.0\.1"):
        target.deliver(notice(), NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMAIL_TO", "a@example.com\r\nBcc: b@example.com"),
        ("EMAIL_TO", "nobody"),
        ("EMAIL_FROM", "a@example.com>"),
        ("SMTP_HOST", "host name"),
        ("SMTP_HOST", ""),
        ("SMTP_PORT", "mail"),
        ("SMTP_USER", "ada"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(name: str, value: str) -> None:
    good = {
        "HOLDFAST_EMAIL_TO": "a@example.com",
        "HOLDFAST_EMAIL_FROM": "b@example.com",
        "HOLDFAST_SMTP_HOST": "mail.example.com",
    }
    assert email_from(good) is not None
    assert email_from({}) is None
    with pytest.raises(ConfigurationError, match=name):
        email_from({**good, f"HOLDFAST_{name}": value})


def test_the_password_is_shown_nowhere() -> None:
    made = Email("a@example.com", ("b@example.com",), "mail", 587, "ada", "canary")
    assert "canary" not in repr(made)
