"""The settings of the job: one pydantic model, read from a TOML file.

Apart from the pipelines so that a wrong setting is found and named before anything runs.
Nodes read parts of it as ``config.db.url``, ``config.features`` and so on.
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "Cache",
    "Data",
    "Database",
    "Features",
    "Predict",
    "Settings",
    "Training",
    "read_settings",
]


class Section(BaseModel):
    """A part of the settings: nothing changes it, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Database(Section):
    """Where the tables are.

    Attributes:
        url: an SQLAlchemy URL.
    """

    url: str


class Cache(Section):
    """Where linepipe keeps what nodes made, for later runs.

    Attributes:
        path: of the shelf; training and prediction share it.
    """

    path: Path


class Data(Section):
    """What is ingested.

    Attributes:
        sample: so many flights, drawn at random over the whole year; 0 means all.
        seed: of the draw.
    """

    sample: int = Field(ge=0)
    seed: int


class Features(Section):
    """How features are made.

    Attributes:
        late_minutes: a flight that arrives more minutes than this after its time is late.
        weather_max_age_hours: an older observation than this is no news: missing.
        history_lag_days: history ends so many days before the day of the flight. At least
            2, for a flight of yesterday evening may still be in the air this morning.
        recent_days: length of the window of the "recent" rates.
        prior_weight: a rate over few flights is drawn towards the rate of all flights as if
            it had been seen that many times more.
    """

    late_minutes: int = Field(gt=0)
    weather_max_age_hours: int = Field(gt=0)
    history_lag_days: int = Field(ge=2)
    recent_days: int = Field(gt=0)
    prior_weight: float = Field(gt=0)


class Training(Section):
    """How the model is fitted and judged.

    Attributes:
        test_from: flights of this day and later are the test set, earlier ones train.
        validate_from: the flights of the train set from this day on say how many trees are
            enough for the earlier ones.
        max_iter: the most trees.
        patience: the search for enough trees ends when so many more made it no better.
        learning_rate: of the boosting.
        min_samples_leaf: the fewest flights in a leaf.
        seed: of the boosting.
        model_path: the fitted model's file.
    """

    test_from: date
    validate_from: date
    max_iter: int = Field(gt=0)
    patience: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    min_samples_leaf: int = Field(gt=0)
    seed: int
    model_path: Path

    @model_validator(mode="after")
    def validates_before_it_tests(self) -> Self:
        """Refuse to choose the model by the days that judge it."""
        if self.validate_from >= self.test_from:
            raise ValueError(
                f"training.validate_from ({self.validate_from}) must lie before "
                f"training.test_from ({self.test_from})"
            )
        return self


class Predict(Section):
    """Which days are scored.

    Attributes:
        first_day: the first one.
        last_day: the last one, included.
    """

    first_day: date
    last_day: date


class Settings(Section):
    """All settings of the job; each attribute is a table of the TOML file."""

    db: Database
    cache: Cache
    data: Data
    features: Features
    training: Training
    predict: Predict


def read_settings(path: Path, out: Path, sample: int | None = None) -> Settings:
    """Read the settings from a TOML file.

    Args:
        path: the file.
        out: the folder that ``{out}`` in the file stands for; made if it isn't there.
        sample: overrides ``data.sample`` unless None.

    Returns:
        The settings, checked.

    Raises:
        pydantic.ValidationError: a setting is missing, misspelt or out of range.
        tomllib.TOMLDecodeError: the file isn't TOML.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = tomllib.loads(path.read_text(encoding="utf-8").replace("{out}", out.as_posix()))
    if sample is not None:
        tables["data"]["sample"] = sample
    return Settings.model_validate(tables)
