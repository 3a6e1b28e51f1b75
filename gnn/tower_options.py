"""`model.options` of TwoTowers: how the towers and their ranker are trained, and how a shortlist is ordered."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TowerOptions(BaseModel):
    """All but the dimension of the vectors and the seed, which every model has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(64, ge=1, description="numbers that a history or a title is made of, before its vector")
    epochs: int = Field(20, ge=1, description="of the towers")
    batch: int = Field(1_024, ge=1, description="likes, or ratings, that are learned from at a time")
    negatives: int = Field(512, ge=1, description="titles that each batch is told from, drawn by popularity")
    learning_rate: float = Field(3e-3, gt=0)
    dropout: float = Field(0.5, ge=0, lt=1, description="of the titles of a history, and in the ranker")
    decay: float = Field(1e-4, ge=0, description="of the towers' weights")
    content: int = Field(640, ge=1, description="dimension of what the graph says of a title")
    landmarks: int = Field(4_096, ge=1, description="titles that content is compared with")
    ranker_width: int = Field(32, ge=1)
    ranker_epochs: int = Field(8, ge=1)
    ranker_dropout: float = Field(0.3, ge=0, lt=1)
    ranker_decay: float = Field(1e-4, ge=0)
    pairs: float = Field(0.2, ge=0, description="what the order of two ratings of a user counts beside their points")
    shortlist: int = Field(50, ge=1, description="titles that are ranked anew")
    weight: float = Field(0.3, ge=0, le=1, description="of the ranker's points in that order; the rest is the towers'")
