"""Where a Gremlin store's URL leads, and how a connection is let in.

gremlin://HOST:8182                                  a TinkerPop server; gremlin+s:// with TLS
neptune://WRITER:8182?reader=HOST&region=eu-west-1   Neptune: TLS, signed where AWS credentials are found
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from graph.store import StoreError

PORT = 8182


@dataclass(frozen=True)
class Place:
    """The WebSocket addresses for writes and for reads, and for Neptune what a signature needs."""

    writer: str
    reader: str
    signing: Signing | None = None

    @property
    def http(self) -> str:
        """Where the writer answers what is not Gremlin."""
        return self.writer.replace("ws", "http", 1).removesuffix("/gremlin")

    @classmethod
    def of(cls, url: str) -> Place:
        """Raises StoreError for a URL that leads nowhere, or without what a signature needs."""
        parts = urlsplit(url)
        example = f"{parts.scheme}://HOST:{PORT}"
        if parts.username or parts.password:
            raise StoreError(f"{parts.scheme}://{parts.hostname}: a login has no place in a URL, where logs show it")
        told = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        known = {"reader", "region"} if parts.scheme == "neptune" else set[str]()
        if unknown := sorted(set(told) - known):
            raise StoreError(f"{url} has an option {unknown[0]!r}; it may have: {', '.join(sorted(known)) or 'none'}")
        tls = parts.scheme != "gremlin"
        writer = _address(url, example, parts.netloc, tls, PORT)
        port = urlsplit(writer).port or PORT
        reader = _address(url, example, told.get("reader", parts.netloc), tls, port)
        return cls(writer, reader, Signing.of(url, told.get("region")) if parts.scheme == "neptune" else None)


def _address(url: str, example: str, netloc: str, tls: bool, port: int) -> str:
    try:
        place = urlsplit(f"//{netloc}")
        host, port = place.hostname, place.port or port
    except ValueError:
        raise StoreError(f"{url} has no port that is a number; use {example}") from None
    if not host:
        raise StoreError(f"{url} names no server; use {example}")
    return f"{'wss' if tls else 'ws'}://{f'[{host}]' if ':' in host else host}:{port}/gremlin"


@dataclass(frozen=True)
class Signing:
    """Signatures of IAM (SigV4), of which each connection needs one of its own: they are good for five minutes."""

    session: Any
    region: str | None

    @classmethod
    def of(cls, url: str, region: str | None) -> Signing:
        """region: told by the URL, else by the name of the host, else by AWS's own settings."""
        try:
            import botocore.session
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "botocore":
                raise
            raise StoreError(f"{url} needs botocore; install it with: pip install 'reelgraph[neptune]'") from None
        session = botocore.session.Session()
        words = (urlsplit(url).hostname or "").split(".")  # CLUSTER.ID.REGION.neptune.amazonaws.com
        inside = words[words.index("neptune") - 1] if "neptune" in words[1:] else None
        return cls(session, region or inside or session.get_config_variable("region"))

    def headers(self, address: str) -> dict[str, str]:
        """The headers of a request that opens a connection; none where there are no credentials. Raises StoreError."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        try:
            credentials = self.session.get_credentials()
            if credentials is None:
                return {}
            if not self.region:
                raise StoreError(f"{address} needs a region; add ?region=… to the URL, or set AWS_REGION")
            request = AWSRequest("GET", address.replace("wss://", "https://", 1))
            SigV4Auth(credentials.get_frozen_credentials(), "neptune-db", self.region).add_auth(request)
        except BotoCoreError as error:
            raise StoreError(f"AWS credentials for {address} cannot be had: {error}") from None
        return dict(request.headers.items())
