"""Settings from the environment: what they are by default, and what is said of those that are wrong."""

from __future__ import annotations

import pytest

from api.settings import BadSettings, read_settings


def test_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STORE", "API_KEY", "CORS_ORIGINS", "THREADS", "TRACING_ENDPOINT"):
        monkeypatch.delenv(f"REELGRAPH_{name}", raising=False)
    settings = read_settings()
    assert settings.store.startswith("embedded:")
    assert (settings.api_key, settings.cors_origins, settings.threads, settings.tracing_endpoint) == (None, [], 8, None)


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_STORE", "embedded:there")
    monkeypatch.setenv("REELGRAPH_API_KEY", "sesame" * 6)
    monkeypatch.setenv("REELGRAPH_CORS_ORIGINS", '["https://films.example"]')
    settings = read_settings()
    assert (settings.store, settings.cors_origins) == ("embedded:there", ["https://films.example"])
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "sesame" * 6
    assert "sesame" not in repr(settings)
    assert read_settings("embedded:here").store == "embedded:here"


def test_an_empty_key_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_API_KEY", "")
    assert read_settings().api_key is None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("THREADS", "0", "REELGRAPH_THREADS: Input should be greater than or equal to 1"),
        ("API_KEY", "sesame", "REELGRAPH_API_KEY: 6 characters can be guessed; give at least 32, as of openssl rand"),
        ("BODY_BYTES", "0", "REELGRAPH_BODY_BYTES: Input should be greater than or equal to 1"),
        ("KEPT_ANSWERS", "many", "REELGRAPH_KEPT_ANSWERS: Input should be a valid integer"),
        ("CORS_ORIGINS", "https://films.example", "write lists as JSON"),
    ],
)
def test_settings_that_are_wrong(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    monkeypatch.setenv(f"REELGRAPH_{name}", value)
    with pytest.raises(BadSettings, match=says) as raised:
        read_settings()
    assert "sesame" not in str(raised.value)
