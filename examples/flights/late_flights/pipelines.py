"""What is joined to what: the only module of the example that knows linepipe.

Two pipelines are made whole by adding: ``features + training`` and ``features + scoring`` hold
the same feature nodes, so what the model sees in production is what it was trained on. Both keep
what they make on one shelf: whichever runs second finds the features there.

linepipe sees code, settings and contents change, but not a database or a file. Nodes that read
or write those say ``always_run``.
"""

from __future__ import annotations

from sqlalchemy import Engine

from late_flights.config import Settings
from late_flights.features import (
    add_history,
    add_planes,
    add_weather,
    connect,
    load_flights,
    load_planes,
    load_weather,
    split_known,
)
from late_flights.ingest import read_files, write_table
from late_flights.predict import flights_of_days, load_model, score
from late_flights.training import (
    baseline_rates,
    fit,
    measure,
    save_model,
    side_by_side,
    split_by_date,
)
from linepipe import Node, Pipeline, create_named_partial_function, register_snapshot

__all__ = ["features_pipeline", "ingest_pipeline", "predict_pipeline", "train_pipeline"]

# All nodes shall share one engine. It can't be copied anyway; said here, the log needn't warn.
register_snapshot(Engine, lambda engine: engine)

write_flights = create_named_partial_function(write_table, "write_flights", table="flights")
write_weather = create_named_partial_function(write_table, "write_weather", table="weather")
write_planes = create_named_partial_function(write_table, "write_planes", table="planes")
write_metrics = create_named_partial_function(write_table, "write_metrics", table="metrics")
write_tested = create_named_partial_function(write_table, "write_tested", table="tested")
write_scores = create_named_partial_function(write_table, "write_scores", table="predictions")


def ingest_pipeline(settings: Settings) -> Pipeline:
    """Files -> database. Its outputs are the numbers of rows written."""
    return Pipeline(
        [
            Node(connect, ["config.db"], ["engine"]),
            Node(read_files, ["config.data"], ["flights", "weather", "planes"]),
            Node(write_flights, ["flights", "engine"], ["flights_written"]),
            Node(write_weather, ["weather", "engine"], ["weather_written"]),
            Node(write_planes, ["planes", "engine"], ["planes_written"]),
        ],
        config=settings,
    )


def features_pipeline(settings: Settings) -> Pipeline:
    """Database -> ``features`` and ``outcomes``, both with a row per flight."""
    return Pipeline(
        [
            Node(connect, ["config.db"], ["engine"]),
            Node(load_flights, ["engine"], ["flights"], always_run=True),
            Node(load_weather, ["engine"], ["weather"], always_run=True),
            Node(load_planes, ["engine"], ["planes"], always_run=True),
            Node(
                split_known,
                ["flights", "config.features.late_minutes"],
                ["schedule", "outcomes"],
            ),
            Node(
                add_weather,
                ["schedule", "weather", "config.features.weather_max_age_hours"],
                ["with_weather"],
            ),
            Node(add_planes, ["with_weather", "planes"], ["with_planes"]),
            Node(
                add_history,
                {"schedule": "with_planes", "outcomes": "outcomes", "how": "config.features"},
                ["features"],
            ),
        ],
        config=settings,
        use_persistent_cache=True,
        cache_storage_path=settings.cache.path,
    )


def train_pipeline(settings: Settings) -> Pipeline:
    """Database -> a model in a file, its metrics and test forecasts in the database."""
    training = Pipeline(
        [
            Node(
                split_by_date,
                ["features", "outcomes", "config.training.test_from"],
                ["train", "test"],
            ),
            Node(fit, ["train", "config.training"], ["model"]),
            Node(baseline_rates, ["train", "test"], ["baseline"]),
            Node(score, ["test", "model"], ["scored"]),
            Node(side_by_side, ["scored", "baseline", "test"], ["tested"]),
            Node(measure, ["tested"], ["metrics"]),
            Node(save_model, ["model", "config.training.model_path"], [], always_run=True),
            Node(write_metrics, ["metrics", "engine"], ["metrics_written"], always_run=True),
            Node(write_tested, ["tested", "engine"], ["tested_written"], always_run=True),
        ],
        config=settings,
    )
    return features_pipeline(settings) + training


def predict_pipeline(settings: Settings) -> Pipeline:
    """Database and model -> the chances of some days' flights, in the database."""
    scoring = Pipeline(
        [
            Node(load_model, ["config.training.model_path"], ["saved_model"], always_run=True),
            Node(
                flights_of_days,
                ["features", "config.predict.first_day", "config.predict.last_day"],
                ["todays"],
            ),
            Node(score, ["todays", "saved_model"], ["predictions"]),
            Node(write_scores, ["predictions", "engine"], ["predictions_written"], always_run=True),
        ],
        config=settings,
    )
    return features_pipeline(settings) + scoring
