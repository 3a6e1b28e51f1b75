"""Settings of the service, from the environment (prefix `REELGRAPH_`)."""

from __future__ import annotations

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict, SettingsError

from graph.settings import GraphSettings

KEY_LENGTH = 32
"""Least characters of the environment's key, which anybody may have chosen."""


class Settings(GraphSettings):
    """How the service behaves. The command line's options come first, then the environment, then these."""

    model_config = SettingsConfigDict(
        env_prefix="REELGRAPH_", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    api_key: SecretStr | None = Field(
        default=None, description="an administrator's key, for containers; others: reelgraph keys make"
    )
    require_keys: bool = Field(
        default=False, description="whether a key is needed on this machine too, as behind a proxy; always beyond it"
    )
    rate_limit: str | None = Field(
        default=None, description="requests of a key, such as 100/second;3000/minute; none: that, where keys are needed"
    )
    rate_store: SecretStr | None = Field(
        default=None, description="where they are counted for all workers: redis://HOST; needs the extra redis"
    )
    body_bytes: int = Field(default=5 * 2**20, ge=1, description="how large a request may be")
    feedback_batch: int = Field(default=10_000, ge=1, description="how many events of feedback a request may have")
    items_catalog: str | None = Field(
        default=None,
        pattern="^[a-z0-9][a-z0-9-]{0,62}$",
        description="whose items feedback and Gorse's clients name; none: of the only catalog, or of `gorse`",
    )
    gorse_default_n: int = Field(default=10, ge=1, description="under /api/: how many are answered where none is named")
    gorse_cache_size: int = Field(default=100, ge=1, description="under /api/: how many neighbours an item has at most")
    gorse_auto_insert_user: bool = Field(default=True, description="under /api/: feedback makes users not there yet")
    gorse_auto_insert_item: bool = Field(default=True, description="under /api/: feedback makes items not there yet")
    gorse_replacement: bool = Field(default=False, description="under /api/: seen items come back, with a lower score")
    request_seconds: float = Field(default=30, gt=0, description="how long a request may take")
    cors_origins: list[str] = Field(
        default=[], description='origins whose pages may ask, as JSON: ["https://example.org"]; none by default'
    )
    poster_hosts: list[str] = Field(
        default=[],
        description='hosts whose posters the page shows, as JSON: ["images.example.org"]; none by default',
    )
    access_log: bool = Field(default=True, description="whether each request is a line in the log")
    threads: int = Field(default=8, ge=1, le=200, description="how many requests a worker answers at a time")
    kept_answers: int = Field(default=1000, ge=0, description="searches whose answers are kept until the graph changes")
    graceful_seconds: int = Field(default=30, ge=0, description="how long a stopping worker finishes what it has begun")
    tracing_endpoint: str | None = Field(
        default=None, description="where spans go, by OTLP over HTTP; needs the extra tracing"
    )
    graphql_depth: int = Field(default=8, ge=1, description="how many levels of nodes a GraphQL query may have")
    graphql_fields: int = Field(default=200, ge=1, description="how many fields a GraphQL query may have")
    graphql_aliases: int = Field(default=15, ge=0, description="how many aliases a GraphQL query may have")
    graphql_cost: int = Field(default=10_000, ge=1, description="how many nodes a GraphQL query may ask for")
    graphql_introspection: bool = Field(default=True, description="whether GraphQL tells its schema to whoever asks")

    @field_validator("api_key")
    @classmethod
    def _is_long(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key) < KEY_LENGTH:
            raise PydanticCustomError(
                "key", "{length} characters can be guessed; give at least {least}, as of openssl rand -base64 32",
                {"length": len(key), "least": KEY_LENGTH},
            )  # fmt: skip
        return key


def read_settings(store: str | None = None) -> Settings:
    """The settings of the environment. Raises BadSettings, which names those that are wrong."""
    try:
        return Settings(store=store) if store else Settings()
    except ValidationError as error:
        wrong = [f"REELGRAPH_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors()]
        raise BadSettings("; ".join(wrong)) from None
    except SettingsError as error:  # a list that is no JSON
        raise BadSettings(f'{error}; write lists as JSON, such as ["https://example.org"]') from None


class BadSettings(ValueError):
    """Settings that cannot be followed."""


class ServeError(Exception):
    """The service cannot run as it was asked to: a taken port, an unreadable certificate, a missing extra."""
