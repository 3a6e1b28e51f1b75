"""Where a Gremlin URL leads: TLS, the reader and the writer of a cluster, and IAM signatures that are really right."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import subprocess
import sys

import pytest

from graph.store import StoreError, open_store
from graph.stores.gremlin_place import Place
from tests.servers.gremlin_proxy import PASS, gremlin_proxy
from tests.servers.gremlin_server import wiped

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # noqa: S105  (AWS's own example; conftest.py sets it)


@pytest.mark.parametrize(
    ("url", "writer", "reader"),
    [
        ("gremlin://localhost", "ws://localhost:8182/gremlin", None),
        ("gremlin://[::1]:9000", "ws://[::1]:9000/gremlin", None),
        ("gremlin+s://graph.example.org:443", "wss://graph.example.org:443/gremlin", None),
        ("neptune://w.example.org", "wss://w.example.org:8182/gremlin", None),
        ("neptune://w:99?reader=r", "wss://w:99/gremlin", "wss://r:99/gremlin"),
        ("neptune://w?reader=r:77", "wss://w:8182/gremlin", "wss://r:77/gremlin"),
    ],
)
def test_addresses(url, writer, reader):
    place = Place.of(url)
    assert (place.writer, place.reader) == (writer, reader or writer)
    assert (place.signing is None) == url.startswith("gremlin")


@pytest.mark.parametrize(
    ("url", "setting", "region"),
    [
        ("neptune://db.cluster-c1.eu-west-1.neptune.amazonaws.com", None, "eu-west-1"),
        ("neptune://db.cluster-c1.eu-west-1.neptune.amazonaws.com?region=us-east-2", None, "us-east-2"),
        ("neptune://db.cluster-c1.cn-north-1.neptune.amazonaws.com.cn", "eu-west-1", "cn-north-1"),
        ("neptune://10.0.0.7", "eu-central-1", "eu-central-1"),
        ("neptune://10.0.0.7", None, None),
    ],
)
def test_the_region_is_told_by_the_url_the_host_or_aws_settings(credentials, url, setting, region):
    if setting:
        credentials.setenv("AWS_DEFAULT_REGION", setting)
    assert Place.of(url).signing.region == region


def test_without_a_region_nothing_can_be_signed(credentials):
    with pytest.raises(StoreError, match=r"needs a region; add \?region="):
        open_store("neptune://10.0.0.7")


def test_without_botocore_the_extra_is_named():
    told = "import sys; sys.modules['botocore'] = None\nfrom graph.store import open_store\nopen_store('neptune://x')"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True)
    assert "install it with: pip install 'reelgraph[neptune]'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("scheme", "extra"), [("gremlin", "gremlin"), ("gremlin+s", "gremlin"), ("neptune", "neptune")]
)
def test_without_the_driver_the_extra_is_named(scheme, extra):
    told = "import sys; sys.modules['gremlin_python'] = None\nfrom graph.store import open_store\n"
    done = subprocess.run([sys.executable, "-c", f"{told}open_store('{scheme}://x')"], capture_output=True, text=True)
    assert f"install it with: pip install 'reelgraph[{extra}]'" in done.stderr.splitlines()[-1]


def test_tls_is_spoken_and_a_stranger_is_not_trusted(gremlin_url, tls, monkeypatch):
    with gremlin_proxy(wiped(gremlin_url), tls=tls) as proxy:
        open_store(f"gremlin+s://127.0.0.1:{proxy.port}", create=True).close()
        assert proxy.requests > 0
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(StoreError, match=r"(?i)certificate"):
            open_store(f"gremlin+s://127.0.0.1:{proxy.port}")


def test_each_connection_is_signed_for_neptune(gremlin_url, tls, credentials):
    """The signature is worked out here again, from AWS's description of Signature Version 4 and the headers sent."""
    credentials.setenv("AWS_SESSION_TOKEN", "a-token")
    # Each answer is the last of its connection, so that each request needs a connection and a signature of its own.
    with gremlin_proxy(wiped(gremlin_url), lambda _number: "leave", tls) as proxy:
        store = open_store(f"neptune://localhost:{proxy.port}?region=eu-west-1", create=True)
        store.ping()
        store.close()
        assert len(proxy.headers) == proxy.requests >= 2
        for headers in proxy.headers:
            assert headers["authorization"] == signed(headers, f"localhost:{proxy.port}")
            assert headers["x-amz-security-token"] == "a-token"
            made = dt.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
            assert abs(dt.datetime.now(dt.UTC) - made) < dt.timedelta(minutes=2)


def signed(headers, host):
    when, token = headers["x-amz-date"], headers["x-amz-security-token"]
    scope = f"{when[:8]}/eu-west-1/neptune-db/aws4_request"
    names = "host;x-amz-date;x-amz-security-token"
    canonical = f"GET\n/gremlin\n\nhost:{host}\nx-amz-date:{when}\nx-amz-security-token:{token}\n\n{names}\n"
    canonical += hashlib.sha256(b"").hexdigest()
    text = f"AWS4-HMAC-SHA256\n{when}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={signature}"


def test_without_credentials_nothing_is_signed(gremlin_url, tls, credentials):
    credentials.delenv("AWS_ACCESS_KEY_ID")
    with gremlin_proxy(wiped(gremlin_url), tls=tls) as proxy:
        open_store(f"neptune://localhost:{proxy.port}?region=eu-west-1", create=True).close()
        assert "authorization" not in proxy.headers[0]


def test_reads_go_to_the_reader_and_writes_with_what_they_depend_on_to_the_writer(
    gremlin_url, tls, credentials, monkeypatch
):
    with (
        gremlin_proxy(wiped(gremlin_url), lambda _number: PASS, tls) as writer,
        gremlin_proxy(gremlin_url, lambda _number: PASS, tls) as reader,
    ):
        url = f"neptune://localhost:{writer.port}?reader=localhost:{reader.port}&region=eu-west-1"
        store = open_store(url, create=True)
        store.upsert_nodes("Title", [{"id": "tt1", "title": "A"}])
        store.upsert_nodes("User", [{"id": "u1"}])
        store.upsert_relationships("RATED", [{"head": "u1", "tail": "tt1", "key": "like"}])
        assert reader.requests == 0
        # Who has just written reads from the writer, which is never behind.
        assert store.degrees(["u1"], ["RATED"], "out").tolist() == [1]
        assert reader.requests == 0
        wrote = writer.requests
        monkeypatch.setattr("graph.stores.gremlin_connection._LAG_SECONDS", 0.0)
        assert store.degrees(["u1"], ["RATED"], "out").tolist() == [1]
        assert store.get_nodes("Title", ["tt1"], ["title"]).to_pylist() == [{"id": "tt1", "title": "A"}]
        assert [row["id"] for batch in store.scan_nodes("User") for row in batch.to_pylist()] == ["u1"]
        assert (writer.requests, reader.requests >= 3) == (wrote, True)
        store.close()
