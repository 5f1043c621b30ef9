"""Fitting the model, and judging it by days it has never seen.

Apart from prediction so that what runs every morning doesn't import what runs once a month.
"""

from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from late_flights.config import Training
from late_flights.predict import LateModel, model_inputs

__all__ = ["baseline_rates", "fit", "measure", "save_model", "side_by_side", "split_by_date"]


def split_by_date(
    features: pd.DataFrame, outcomes: pd.DataFrame, test_from: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the flights that arrived at a day, so that no test day teaches the model.

    Args:
        features: a row per flight.
        outcomes: ``late``, same index; flights without an outcome are left out.
        test_from: the first day of the test set.

    Returns:
        The train set and the test set: features with the column ``late``.

    Raises:
        ValueError: one of the two would have no flights, or flights of one kind only.
    """
    known = features.join(outcomes).dropna(subset=["late"])
    is_test = known["day"] >= pd.Timestamp(test_from)
    train, test = known[~is_test], known[is_test]
    for name, part in (("train", train), ("test", test)):
        if part["late"].nunique() < 2:
            raise ValueError(
                f"the {name} set has {len(part)} flights and not both late and punctual ones\n"
                f"  move training.test_from (now {test_from}) or ingest a larger data.sample"
            )
    return train, test


def fit(train: pd.DataFrame, how: Training) -> LateModel:
    """Fit gradient boosted trees to the train set.

    Args:
        train: features with ``late``.
        how: the model's parameters.

    Returns:
        The model with the categories it knows.
    """
    categories = {
        column: sorted(train[column].unique()) for column in ("carrier", "origin", "dest")
    }
    classifier = HistGradientBoostingClassifier(
        max_iter=how.max_iter,
        learning_rate=how.learning_rate,
        min_samples_leaf=how.min_samples_leaf,
        categorical_features="from_dtype",
        early_stopping=False,
        random_state=how.seed,
    )
    # One thread: on busy cores OpenMP's threads wait for each other by spinning. Measured on
    # two of them: 26 to 51 s with two threads, 9 s with one, 5 s with two when all is quiet.
    with threadpool_limits(limits=1, user_api="openmp"):
        classifier.fit(model_inputs(train, categories), train["late"])
    return LateModel(classifier, categories)


def baseline_rates(train: pd.DataFrame, test: pd.DataFrame) -> pd.Series[float]:
    """The naive forecast: the train set's late rate of the same hour of the day.

    Args:
        train: features with ``late``.
        test: the flights to forecast.

    Returns:
        A probability for each flight of ``test``.
    """
    rates = train.groupby(train["minute_of_day"] // 60)["late"].mean()
    hours = test["minute_of_day"] // 60
    return hours.map(rates).fillna(train["late"].mean()).rename("baseline")


def side_by_side(
    scored: pd.DataFrame, baseline: pd.Series[float], test: pd.DataFrame
) -> pd.DataFrame:
    """The model's forecast, the baseline's, and what came true.

    Args:
        scored: the test flights with ``probability``.
        baseline: the naive forecast, same index.
        test: features with ``late``, same index.

    Returns:
        ``scored`` with ``baseline`` and ``late``.
    """
    return scored.assign(baseline=baseline, late=test["late"])


def measure(predictions: pd.DataFrame) -> pd.DataFrame:
    """Judge the model and the baseline on the same flights.

    Args:
        predictions: ``late`` with the two forecasts, ``probability`` and ``baseline``.

    Returns:
        A row for each forecast: ``auc`` and ``average_precision`` (higher is better),
        ``brier`` (lower is better), and ``flights``.
    """
    late = predictions["late"].to_numpy(dtype=np.int64)
    rows = [
        {
            "forecast": name,
            "auc": float(roc_auc_score(late, predictions[column])),
            "average_precision": float(average_precision_score(late, predictions[column])),
            "brier": float(brier_score_loss(late, predictions[column])),
            "flights": len(predictions),
        }
        for name, column in (("model", "probability"), ("baseline", "baseline"))
    ]
    return pd.DataFrame(rows)


def save_model(model: LateModel, path: Path) -> None:
    """Write the model to a file: whole, or not at all.

    Args:
        model: the model.
        path: the file; an older one is replaced.
    """
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(pickle.dumps(model, protocol=5))
    temporary.replace(path)
