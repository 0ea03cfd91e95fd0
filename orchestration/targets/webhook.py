"""The target that posts notices to a URL, by the rules of Standard Webhooks.

| variable | meaning |
|---|---|
| HOLDFAST_WEBHOOK_URL | where to post to; https, a host of the public internet |
| HOLDFAST_WEBHOOK_PRIVATE_HOSTS | comma-separated hosts that may be private and plain http |
| HOLDFAST_SECRET_WEBHOOK | what the receiver checks the signature with; two while it is changed |

The name is resolved once, every address of it must be public, and the connection goes to that
very address: what the name resolves to a moment later does not matter. Redirects are not followed
and proxies of the environment not asked. A receiver knows a message by its `webhook-id`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import json
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

from orchestration.errors import ConfigurationError
from orchestration.release.publish import OutboxMessage
from orchestration.targets.outbox import DeliveryError

TIMEOUT_SECONDS = 5.0
_MAX_ANSWER = 64 * 1024
_GONE = 410
#: What the standard puts before the base64 of a key.
_STANDARD = "whsec_"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host, as texts."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def webhook_from(environ: Mapping[str, str], resolver: Resolve = resolve) -> Webhook | None:
    """The webhook that the environment asks for, None where it asks for none.

    Raises:
        ConfigurationError: the URL is not one that may be posted to, or the secret is missing.
    """
    url = environ.get("HOLDFAST_WEBHOOK_URL")
    if not url:
        return None
    private = frozenset(
        host.strip().lower()
        for host in environ.get("HOLDFAST_WEBHOOK_PRIVATE_HOSTS", "").split(",")
        if host.strip()
    )
    secrets = environ.get("HOLDFAST_SECRET_WEBHOOK", "").split()
    if not secrets:
        raise ConfigurationError(
            "HOLDFAST_WEBHOOK_URL is set, but HOLDFAST_SECRET_WEBHOOK is not: without a signature "
            "the receiver cannot tell our notices from anybody's."
        )
    for secret in secrets:
        try:
            _key(secret)
        except ValueError:
            raise ConfigurationError(
                "HOLDFAST_SECRET_WEBHOOK begins with whsec_, but what follows is not base64."
            ) from None
    parts = _checked(url, private)
    return Webhook(parts, tuple(secrets), parts.hostname in private, resolver)


def _checked(url: str, private: frozenset[str]) -> SplitResult:
    """The parts of a URL that may be posted to; the URL itself is never shown, it may be secret."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("it is no URL") from None
    if re.search(r"[\x00-\x20\x7f-\uffff\\]", url):
        raise _refused("it has blanks, control characters, backslashes or letters beyond ASCII")
    if parts.username is not None or parts.password is not None:
        raise _refused("it has a user name or password")
    if not _HOST.fullmatch(host) and ":" not in host:
        raise _refused("its host is no host name")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in private):
        raise _refused("it is not https")
    return parts


def _refused(reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"HOLDFAST_WEBHOOK_URL cannot be posted to: {reason}. Use https://host/path with a host "
        "of the public internet, or name a host of your own network in "
        "HOLDFAST_WEBHOOK_PRIVATE_HOSTS."
    )


@dataclass(frozen=True)
class Webhook:
    """Posts messages as JSON; built by `webhook_from`. Shows neither its URL nor its secrets."""

    url: SplitResult = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    may_be_private: bool = False
    resolver: Resolve = field(default=resolve, repr=False)
    name: str = "webhook"

    def deliver(self, message: OutboxMessage, now: datetime) -> None:
        """Post a message; 2xx is delivered, 410 is the end of it, all else is tried again.

        Raises:
            DeliveryError: it was not taken.
        """
        content = {"type": message.kind, **json.loads(message.payload)}
        body = json.dumps(content, sort_keys=True).encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "holdfast",
            **signed(message.key, now, body, self.secrets),
        }
        try:
            status = self._post(body, headers)
        except (OSError, http.client.HTTPException) as error:
            # A name that does not resolve, no connection, no answer in time, a bad certificate.
            raise DeliveryError(f"{type(error).__name__} at {self.url.hostname}") from error
        if not 200 <= status < 300:
            raise DeliveryError(f"{self.url.hostname} answered {status}", is_final=status == _GONE)

    def address(self) -> str:
        """The address to connect to: resolved now, and looked at.

        Raises:
            DeliveryError: the host has an address that may not be posted to.
        """
        host = self.url.hostname or ""
        addresses = self.resolver(host, self._port)
        if not addresses:
            raise DeliveryError(f"{host} has no address")
        for address in addresses:
            if not self.may_be_private and not is_public(address):
                raise DeliveryError(f"{host} is at {address}, which is not public")
        return addresses[0]

    @property
    def _port(self) -> int:
        return self.url.port or (443 if self.url.scheme == "https" else 80)

    def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        connection = _PinnedConnection(self.url, self.address(), self._port)
        try:
            path = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            answer.read(_MAX_ANSWER)
            return answer.status
        finally:
            connection.close()


class _PinnedConnection(http.client.HTTPConnection):
    """Connects to an address that was looked at; the certificate must be the host's."""

    def __init__(self, url: SplitResult, address: str, port: int) -> None:
        super().__init__(url.hostname or "", port, timeout=TIMEOUT_SECONDS)
        self._address = address
        self._context = ssl.create_default_context() if url.scheme == "https" else None

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), TIMEOUT_SECONDS)
        self.sock = (
            self._context.wrap_socket(plain, server_hostname=self.host) if self._context else plain
        )


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, also where it is written inside another."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if inner:
            return is_public(str(inner))
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast


def signed(key: str, now: datetime, body: bytes, secrets: tuple[str, ...]) -> dict[str, str]:
    """The headers of Standard Webhooks: HMAC-SHA256 over id, time and body, one per secret."""
    moment = str(int(now.replace(tzinfo=UTC).timestamp()))
    content = f"{key}.{moment}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(_key(s), content, hashlib.sha256).digest()).decode()
        for s in secrets
    ]
    return {
        "webhook-id": key,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(signatures),
    }


def _key(secret: str) -> bytes:
    """The bytes to sign with: base64 after `whsec_` by the standard, else the text itself."""
    if secret.startswith(_STANDARD):
        return base64.b64decode(secret.removeprefix(_STANDARD))
    return secret.encode()
