"""The target that sends notices by e-mail, in plain words.

| variable | meaning |
|---|---|
| HOLDFAST_EMAIL_TO | comma-separated addresses that are told of each release |
| HOLDFAST_EMAIL_FROM | the address it comes from |
| HOLDFAST_SMTP_HOST, HOLDFAST_SMTP_PORT | the mail server (port 587) |
| HOLDFAST_SMTP_USER, HOLDFAST_SECRET_SMTP | how to log in; without a user nobody does |

The connection is encrypted (STARTTLS, certificate checked) but to this machine itself. A message
says what kind of notice it is and the counts, names and figures that the notice has; it has no
person in it, and no header is made of data. A receiver knows it again by its Message-ID.
"""

from __future__ import annotations

import hashlib
import json
import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from orchestration.errors import ConfigurationError
from orchestration.release.publish import OutboxMessage
from orchestration.targets.outbox import DeliveryError

TIMEOUT_SECONDS = 10.0
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_OWN = frozenset({"localhost", "127.0.0.1"})
#: What the server will not take however often it is asked.
_FINAL = range(550, 560)


def email_from(environ: Mapping[str, str]) -> Email | None:
    """The e-mail target that the environment asks for, None where it asks for none.

    Raises:
        ConfigurationError: a variable is missing, or has a value that cannot be used.
    """
    told = [address.strip() for address in environ.get("HOLDFAST_EMAIL_TO", "").split(",")]
    told = [address for address in told if address]
    if not told:
        return None
    sender = environ.get("HOLDFAST_EMAIL_FROM", "")
    for name, addresses in (("EMAIL_TO", told), ("EMAIL_FROM", [sender])):
        for address in addresses:
            if not _ADDRESS.fullmatch(address):
                raise ConfigurationError(
                    f"HOLDFAST_{name} is {address!r}, which is no e-mail address such as "
                    "data@example.com."
                )
    host = environ.get("HOLDFAST_SMTP_HOST", "")
    if not _HOST.fullmatch(host):
        raise ConfigurationError(
            f"HOLDFAST_SMTP_HOST is {host!r}; with HOLDFAST_EMAIL_TO it has to name a mail server."
        )
    port = environ.get("HOLDFAST_SMTP_PORT") or "587"
    if not re.fullmatch(r"[1-9]\d{0,4}", port):
        raise ConfigurationError(f"HOLDFAST_SMTP_PORT is {port!r}; use a number such as 587.")
    user = environ.get("HOLDFAST_SMTP_USER", "")
    secret = environ.get("HOLDFAST_SECRET_SMTP", "")
    if bool(user) != bool(secret):
        raise ConfigurationError("HOLDFAST_SMTP_USER and HOLDFAST_SECRET_SMTP go together.")
    return Email(sender, tuple(told), host, int(port), user, secret)


@dataclass(frozen=True)
class Email:
    """Sends messages through one mail server; built by `email_from`. Shows no secret."""

    sender: str
    told: tuple[str, ...]
    host: str
    port: int
    user: str = ""
    secret: str = field(default="", repr=False)
    name: str = "email"

    def deliver(self, message: OutboxMessage, now: datetime) -> None:
        """Send a message to everybody who is told.

        Raises:
            DeliveryError: the server was not reached, or did not take it.
        """
        try:
            with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS) as server:
                if self.host not in _OWN:
                    server.starttls(context=ssl.create_default_context())
                if self.user:
                    server.login(self.user, self.secret)
                refused = server.send_message(self.written(message, now))
        except smtplib.SMTPResponseException as error:
            final = error.smtp_code in _FINAL
            raise DeliveryError(f"{self.host} said {error.smtp_code}", is_final=final) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            raise DeliveryError(
                f"{self.host} takes mail to none of {len(codes)} address(es)",
                is_final=all(code in _FINAL for code in codes),
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"{type(error).__name__} at {self.host}") from None
        if refused:
            raise DeliveryError(f"{self.host} does not take mail to {len(refused)} address(es)")

    def written(self, message: OutboxMessage, now: datetime) -> EmailMessage:
        """The message as it is sent; of the data nothing is in a header."""
        content = json.loads(message.payload)
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.told)
        words = re.sub(r"[^a-z ]", "", message.kind.replace("_", " "))
        mail["Subject"] = f"Holdfast: {words}"
        mail["Date"] = format_datetime(now.replace(tzinfo=UTC))
        digest = hashlib.sha256(message.key.encode()).hexdigest()[:32]
        mail["Message-ID"] = f"<{digest}@{self.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n".join(f"{name}: {_said(value)}" for name, value in content.items()))
        return mail


def _said(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    # One line for each name: nothing in a value can look like another.
    return " ".join(text.split())
