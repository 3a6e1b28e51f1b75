"""Settings of the service, from the environment (prefix `REELGRAPH_`)."""

from __future__ import annotations

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict, SettingsError

from graph.settings import GraphSettings


class Settings(GraphSettings):
    """How the service behaves. The command line's options come first, then the environment, then these."""

    model_config = SettingsConfigDict(env_prefix="REELGRAPH_", extra="ignore", env_ignore_empty=True)

    api_key: SecretStr | None = Field(
        default=None, description="the key that every request must carry; needed beyond loopback"
    )
    cors_origins: list[str] = Field(
        default=[], description='origins whose pages may ask, as JSON: ["https://example.org"]; none by default'
    )
    poster_hosts: list[str] = Field(
        default=[],
        description='hosts whose posters the page shows, as JSON: ["images.example.org"]; none by default',
    )
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
