"""Settings of the graph, from the environment (prefix `REELGRAPH_`)."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from graph.feedback_kinds import Condition


def default_store() -> str:
    """The embedded store in the user's data folder."""
    return f"embedded:{user_data_path('reelgraph') / 'store'}"


class GraphSettings(BaseSettings):
    """Where the graph is, what of searches is counted, what feedback says, and where data for development is."""

    model_config = SettingsConfigDict(env_prefix="REELGRAPH_", extra="ignore")

    store: str = Field(
        default_factory=default_store,
        description="URL of the store, such as embedded:PATH, neo4j://HOST:7687 or gremlin://HOST:8182",
    )
    count_searches: bool = Field(default=True, description="whether the service counts what is searched for")
    minimum_count: int = Field(default=5, ge=1, description="searches below which nothing of them is ever shown")
    neo4j_user: str = Field(default="neo4j", description="who logs in to Neo4j")
    neo4j_password: SecretStr | None = Field(default=None, description="the password for it")
    cache: Path = Field(
        default_factory=lambda: user_cache_path("reelgraph"),
        description="folder for what can be made again: names and vectors of a graph on a Gremlin server",
    )
    iam_role: str | None = Field(
        default=None, description="ARN of the role by which Neptune's bulk loader reads from S3"
    )
    liked_feedback: list[str] = Field(
        default=["rating>=4", "like", "love", "favorite", "favourite", "star", "watch", "play", "complete", "purchase"],
        description='feedback that says a title is liked, types with or without a bound: ["watch", "rating>=4"]',
    )
    disliked_feedback: list[str] = Field(
        default=["rating<=2", "dislike", "dismiss", "hide", "not_interested"],
        description="feedback after which a title is never recommended again, in the same spelling",
    )
    accumulated_feedback: list[str] = Field(
        default=[],
        description='types of feedback whose values add up, such as ["minutes"]; of all others the latest counts',
    )
    data: Path = Field(default=Path("../shared/data"), description="real data for tests and benchmarks")

    @field_validator("liked_feedback", "disliked_feedback")
    @classmethod
    def _are_conditions(cls, texts: list[str]) -> list[str]:
        for text in texts:
            Condition.parse(text)
        return texts
