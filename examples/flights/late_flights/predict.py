"""Scoring flights with a fitted model.

The one place that knows which columns the model reads, so that training and prediction can't
come to differ.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = ["LateModel", "flights_of_days", "load_model", "model_inputs", "score"]

NUMBERS = [
    "minute_of_day",
    "arrival_minute_of_day",
    "weekday",
    "distance",
    "same_hour_departures",
    "temp",
    "dewp",
    "humid",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
    "plane_age",
    "seats",
    "late_by_carrier",
    "late_by_dest",
    "late_by_route",
    "late_recently_by_origin",
]


@dataclass(frozen=True)
class LateModel:
    """A fitted model and the categories it was fitted with.

    Attributes:
        classifier: the fitted trees.
        categories: for each categorical column, the values that the model knows; others
            count as missing.
    """

    classifier: HistGradientBoostingClassifier
    categories: Mapping[str, Sequence[str]]


def model_inputs(features: pd.DataFrame, categories: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The columns that the model reads, in its order and types.

    Args:
        features: a row per flight.
        categories: the values of each categorical column.

    Returns:
        A column of floats for each of `NUMBERS`, then the categorical ones.
    """
    encoded = {
        column: pd.Categorical(
            features[column].where(features[column].isin(values)), categories=list(values)
        )
        for column, values in categories.items()
    }
    return features[NUMBERS].astype(float).assign(**encoded)


def load_model(path: os.PathLike[str]) -> LateModel:
    """Read the model that training wrote. Unpickling runs code: only read your own files.

    Args:
        path: the file.

    Returns:
        The model.

    Raises:
        FileNotFoundError: there is no model yet.
        TypeError: the file holds something else.
    """
    model = pickle.loads(Path(path).read_bytes())
    if not isinstance(model, LateModel):
        raise TypeError(
            f"{os.fspath(path)} holds a {type(model).__name__}, not a LateModel: train again"
        )
    return model


def flights_of_days(features: pd.DataFrame, first_day: date, last_day: date) -> pd.DataFrame:
    """The flights of some days.

    Args:
        features: a row per flight.
        first_day: the first day.
        last_day: the last day, included.

    Returns:
        Their rows.
    """
    return features[features["day"].between(pd.Timestamp(first_day), pd.Timestamp(last_day))]


def score(flights: pd.DataFrame, model: LateModel) -> pd.DataFrame:
    """The probability that each flight arrives late.

    Args:
        flights: features, a row per flight.
        model: the fitted model.

    Returns:
        What names the flight (``departure``, ``carrier``, ``flight``, ``origin``, ``dest``)
        and its ``probability``, with the index of ``flights``.
    """
    inputs = model_inputs(flights, model.categories)
    # A day without flights is no error, but scikit-learn refuses an empty table.
    chances = model.classifier.predict_proba(inputs)[:, 1] if len(inputs) else []
    named = flights[["departure", "carrier", "flight", "origin", "dest"]]
    return named.assign(probability=pd.Series(chances, index=flights.index, dtype=float))
