"""A training run's configuration: TOML in, checked, every default spelt out. One file in `configs/` a model."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graph.store import VECTOR_NAME


class ConfigError(Exception):
    """A configuration that cannot be used: the key, what is wrong with it, the nearest that would be right."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GraphConfig(_Section):
    """Which triples the graph gives. `folder` names train.txt, valid.txt and test.txt to read instead of a store."""

    folder: Path | None = None
    relations: tuple[str, ...] = ("ACTED_IN", "DIRECTED", "WROTE", "PRODUCED", "COMPOSED", "SHOT", "EDITED",
                                  "IN_GENRE", "EPISODE_OF")  # fmt: skip
    roles: bool = Field(False, description="ACTED_IN parted by category, as relations of their own")
    years: int = Field(0, ge=0, description="years a bucket; 0: none")
    ratings: float = Field(0, ge=0, description="points a bucket; 0: none")
    votes: bool = Field(False, description="powers of ten as buckets")
    feedback: bool = Field(False, description="RATED as relations between User and Title")
    feedback_from: float = Field(4.0, description="the least value that counts as a like")


class SplitConfig(_Section):
    """What is held out. random: triples; year: titles from a year on; cold: all but a share of some titles' triples."""

    kind: Literal["random", "year", "cold"] = "random"
    valid: float = Field(0.05, ge=0, lt=1)
    test: float = Field(0.05, ge=0, lt=1)
    year: int = 2020
    shown: float = Field(0.0, ge=0, lt=1, description="share of a cold title's triples that stay in training")
    seed: int = 0


class ModelConfig(_Section):
    """What is learned: a PyKEEN model by its name, `RGCN` or `GraphSAGE`. `options` go to its constructor."""

    name: str = "ComplEx"
    dimension: int = Field(64, ge=1, description="numbers an entity; a complex number counts for two")
    options: dict[str, Any] = Field(default_factory=dict)


class TrainingConfig(_Section):
    """How it is learned. `shared` is our loop (negatives shared across a batch), `pykeen` its own."""

    loop: Literal["shared", "pykeen"] = "shared"
    epochs: int = Field(100, ge=1)
    batch: int = Field(1024, ge=1)
    negatives: int = Field(256, ge=0, description="a side and batch; 0: every entity")
    loss: str = "crossentropy"
    margin: float = 9.0
    temperature: float = Field(0.0, ge=0, description="self-adversarial weight of negatives; 0: all alike")
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    optimizer: Literal["adagrad", "adam"] = "adagrad"
    learning_rate: float = Field(0.1, gt=0)
    schedule: Literal["constant", "plateau", "cosine"] = "constant"
    regulariser: Literal["none", "l2", "n3"] = "none"
    regularisation: float = Field(0.0, ge=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    reciprocal: bool = False
    patience: int = Field(10, ge=0, description="evaluations without a better validation MRR before it stops; 0: never")
    every: int = Field(5, ge=1, description="epochs between evaluations and checkpoints")
    device: Literal["cpu", "cuda"] = "cpu"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    options: dict[str, Any] = Field(default_factory=dict, description="for PyKEEN's loop")


class EvaluationConfig(_Section):
    """Full ranking unless `sampled` candidates are drawn for each query; such a figure is labelled an estimate."""

    batch: int = Field(256, ge=1)
    sampled: int = Field(0, ge=0)


class PublishConfig(_Section):
    """The name under which titles carry the vectors."""

    name: str = Field("embedding", pattern=f"^{VECTOR_NAME}$")


class RunConfig(_Section):
    """A whole run."""

    name: str = "run"
    seed: int = 0
    graph: GraphConfig = GraphConfig()
    split: SplitConfig = SplitConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    publish: PublishConfig = PublishConfig()


def read_config(path: Path) -> RunConfig:
    """Read a TOML file. Raises ConfigError naming the key at fault and the nearest one that exists."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration {path}; those that come along are in configs/") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from None
    return parse_config({"name": path.stem, **raw}, str(path))


def parse_config(raw: dict[str, Any], where: str = "configuration") -> RunConfig:
    """Check a configuration given as plain data. Raises ConfigError."""
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] != "extra_forbidden":
            raise ConfigError(f"{where}: {key}: {first['msg']}") from None
        section: Any = RunConfig
        for part in first["loc"][:-1]:
            section = section.model_fields[str(part)].annotation
        raise ConfigError(f"{where}: there is no key {key!r}{nearest_key(str(first['loc'][-1]), section)}") from None


Options = TypeVar("Options", bound=BaseModel)


def model_options(raw: Mapping[str, Any], options: type[Options]) -> Options:
    """Check `model.options` against those of a model. Raises ConfigError naming the key and the nearest that exists."""
    try:
        return options.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] != "extra_forbidden":
            raise ConfigError(f"model.options.{key}: {first['msg']}") from None
        raise ConfigError(f"model.options: there is no key {key!r}{nearest_key(key, options)}") from None


def nearest_key(key: str, section: type[BaseModel]) -> str:
    """End of an error about an unknown key: the nearest ones of a section, or all of them."""
    near = difflib.get_close_matches(key, list(section.model_fields), n=3, cutoff=0.4)
    return f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(section.model_fields)}"
