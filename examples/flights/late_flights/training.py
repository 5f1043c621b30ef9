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

__all__ = [
    "baseline_rates",
    "choose_trees",
    "fit",
    "measure",
    "save_model",
    "side_by_side",
    "split_by_date",
]


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
    return earlier_and_later(known, "training.test_from", test_from)


def earlier_and_later(
    known: pd.DataFrame, setting: str, first_day: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Flights before a day and from it on; both must have something to learn or to judge by."""
    is_later = known["day"] >= pd.Timestamp(first_day)
    earlier, later = known[~is_later], known[is_later]
    for where, part in (("before", earlier), ("since", later)):
        if part["late"].nunique() < 2:
            raise ValueError(
                f"{where} {first_day} there are {len(part)} flights and not both late and "
                f"punctual ones\n  move {setting} or ingest a larger data.sample"
            )
    return earlier, later


def choose_trees(train: pd.DataFrame, how: Training) -> int:
    """Find how many trees are enough: with more, a model forecasts days to come no better.

    The first days of the train set are learned, the last ones say when to stop. Days in order,
    not flights at random: flights of one day are late together, so a flight whose neighbours
    were learned says little about the days to come.

    Args:
        train: features with ``late``.
        how: the model's parameters.

    Returns:
        The number of trees, at least 1.
    """
    learned, judging = earlier_and_later(train, "training.validate_from", how.validate_from)
    categories = known_categories(learned)
    classifier = boosting(how, how.max_iter, early_stopping=True)
    with one_thread():
        classifier.fit(
            model_inputs(learned, categories),
            learned["late"],
            X_val=model_inputs(judging, categories),
            y_val=judging["late"],
        )
    return max(1, int(np.argmax(classifier.validation_score_)))  # the first is of no tree at all


def fit(train: pd.DataFrame, n_trees: int, how: Training) -> LateModel:
    """Fit gradient boosted trees to the whole train set.

    Args:
        train: features with ``late``.
        n_trees: as chosen.
        how: the model's parameters.

    Returns:
        The model with the categories it knows.
    """
    categories = known_categories(train)
    classifier = boosting(how, n_trees, early_stopping=False)
    with one_thread():
        classifier.fit(model_inputs(train, categories), train["late"])
    return LateModel(classifier, categories)


def boosting(how: Training, n_trees: int, early_stopping: bool) -> HistGradientBoostingClassifier:
    """A model that isn't fitted yet."""
    return HistGradientBoostingClassifier(
        max_iter=n_trees,
        learning_rate=how.learning_rate,
        min_samples_leaf=how.min_samples_leaf,
        categorical_features="from_dtype",
        early_stopping=early_stopping,
        n_iter_no_change=how.patience,
        random_state=how.seed,
    )


def known_categories(train: pd.DataFrame) -> dict[str, list[str]]:
    """The values of each categorical column."""
    return {column: sorted(train[column].unique()) for column in ("carrier", "origin", "dest")}


def one_thread() -> threadpool_limits:
    """Keep fitting to one thread: on busy cores OpenMP's threads wait for each other by spinning.

    Measured on two cores, 300 trees: 26 to 51 s with two threads, 9 s with one, 5 s with two when
    all is quiet.
    """
    return threadpool_limits(limits=1, user_api="openmp")


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


def save_model(model: LateModel, path: Path) -> Path:
    """Write the model to a file: whole, or not at all.

    Args:
        model: the model.
        path: the file; an older one is replaced.

    Returns:
        The path.
    """
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(pickle.dumps(model, protocol=5))
    return temporary.replace(path)
