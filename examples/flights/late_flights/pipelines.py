"""What is joined to what, how it is run and drawn: the only module that knows linepipe.

Two pipelines are made whole by adding: ``features + training`` and ``features + scoring`` hold
the same feature nodes, so what the model sees in production is what it was trained on. All keep
what they make on one shelf: prediction finds the features there, and a job that runs again finds
nearly everything.

linepipe sees code, settings and the content of objects and files change, but not a table. So a
node says here what it does to the world outside:

- it reads files: they are constants, each a ``File``, which counts by its content;
- it makes a file: it returns a ``File``, and runs again if that is gone or altered;
- it writes a table: ``effect=True``;
- it reads tables that others may have changed: ``always_run=True``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from sqlalchemy import Engine

from late_flights.config import Settings
from late_flights.database import connect, open_database, write_table
from late_flights.features import (
    add_history,
    add_planes,
    add_weather,
    load_flights,
    load_planes,
    load_weather,
    split_known,
)
from late_flights.ingest import data_folder, read_flights, read_table
from late_flights.predict import LateModel, flights_of_days, load_model, score
from late_flights.training import (
    baseline_rates,
    choose_trees,
    fit,
    measure,
    save_model,
    side_by_side,
    split_by_date,
)
from linepipe import (
    File,
    Hook,
    Node,
    Pipeline,
    RunResult,
    create_named_partial_function,
    register_snapshot,
)
from linepipe.viz import Progress, draw_html_pipeline, draw_svg_pipeline

__all__ = [
    "Job",
    "draw_job",
    "features_pipeline",
    "ingest_pipeline",
    "predict_pipeline",
    "run_job",
    "train_pipeline",
]

# All nodes shall share one engine. It can't be copied anyway; said here, the log needn't warn.
register_snapshot(Engine, lambda engine: engine)

write_flights = create_named_partial_function(write_table, "write_flights", table="flights")
write_weather = create_named_partial_function(write_table, "write_weather", table="weather")
write_planes = create_named_partial_function(write_table, "write_planes", table="planes")
write_metrics = create_named_partial_function(write_table, "write_metrics", table="metrics")
write_tested = create_named_partial_function(write_table, "write_tested", table="tested")
write_scores = create_named_partial_function(write_table, "write_scores", table="predictions")

# A database that was deleted and made again is another one, and its writers run again.
database_nodes = [
    Node(open_database, ["config.db.url"], ["database"], always_run=True),
    Node(connect, ["database"], ["engine"], persist=False),
]


def ingest_pipeline(settings: Settings) -> Pipeline:
    """Files -> database. Its outputs are the numbers of rows written."""
    files = data_folder()
    return Pipeline(
        [
            *database_nodes,
            # The files are at hand, so what is read of them needs no place on the shelf. These
            # names are their own: `flights` is there what the features read.
            Node(read_flights, ["flights_csv", "config.data"], ["raw_flights"], persist=False),
            Node(read_table, ["weather_csv"], ["raw_weather"], name="read_weather", persist=False),
            Node(read_table, ["planes_csv"], ["raw_planes"], name="read_planes", persist=False),
            Node(write_flights, ["raw_flights", "engine"], ["flights_written"], effect=True),
            Node(write_weather, ["raw_weather", "engine"], ["weather_written"], effect=True),
            Node(write_planes, ["raw_planes", "engine"], ["planes_written"], effect=True),
        ],
        config=settings,
        use_persistent_cache=True,
        cache_storage_path=settings.cache.path,
        flights_csv=File(files / "flights.csv.zip"),
        weather_csv=File(files / "weather.csv"),
        planes_csv=File(files / "planes.csv"),
    )


def features_pipeline(settings: Settings) -> Pipeline:
    """Database -> ``features`` and ``outcomes``, both with a row per flight."""
    return Pipeline(
        [
            *database_nodes,
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
            Node(choose_trees, ["train", "config.training"], ["n_trees"]),
            Node(fit, ["train", "n_trees", "config.training"], ["model"]),
            Node(baseline_rates, ["train", "test"], ["baseline"]),
            Node(score, ["test", "model"], ["scored"]),
            Node(side_by_side, ["scored", "baseline", "test"], ["tested"]),
            Node(measure, ["tested"], ["metrics"]),
            Node(save_model_file, ["model", "config.training.model_path"], ["model_file"]),
            Node(write_metrics, ["metrics", "engine"], ["metrics_written"], effect=True),
            Node(write_tested, ["tested", "engine"], ["tested_written"], effect=True),
        ],
        config=settings,
    )
    return features_pipeline(settings) + training


def save_model_file(model: LateModel, path: Path) -> File:
    """`save_model`, and linepipe watches the file."""
    return File(save_model(model, path))


def predict_pipeline(settings: Settings) -> Pipeline:
    """Database and model -> the chances of some days' flights, in the database."""
    scoring = Pipeline(
        [
            Node(load_model, ["trained_model"], ["loaded_model"]),
            Node(
                flights_of_days,
                ["features", "config.predict.first_day", "config.predict.last_day"],
                ["todays"],
            ),
            Node(score, ["todays", "loaded_model"], ["predictions"]),
            Node(write_scores, ["predictions", "engine"], ["predictions_written"], effect=True),
        ],
        config=settings,
        trained_model=File(settings.training.model_path),
    )
    return features_pipeline(settings) + scoring


@dataclass(frozen=True)
class Job:
    """What the three runs gave.

    Attributes:
        settings: what they ran with.
        ingested: the result of the ingest pipeline.
        trained: the result of the train pipeline.
        predicted: the result of the predict pipeline.
    """

    settings: Settings
    ingested: RunResult
    trained: RunResult
    predicted: RunResult


def run_job(settings: Settings, *, is_shown: bool = False) -> Job:
    """Run the three pipelines, one after another; each starts from what the last one wrote.

    Args:
        settings: of all three.
        is_shown: show progress on the terminal, on standard error.
    """

    def hooks(title: str) -> list[Hook]:
        return [Progress(Console(stderr=True), title=title)] if is_shown else []

    ingested = ingest_pipeline(settings).run(reuse=True, hooks=hooks("ingest"))
    trained = train_pipeline(settings).run(
        outputs=["metrics", "metrics_written", "tested_written", "train", "test", "n_trees"],
        reuse=True,
        hooks=hooks("train"),
    )
    predicted = predict_pipeline(settings).run(
        outputs=["predictions", "predictions_written"], reuse=True, hooks=hooks("predict")
    )
    return Job(settings, ingested, trained, predicted)


def draw_job(job: Job, out: Path) -> list[Path]:
    """Draw each pipeline with what its run took: an SVG, and a page to walk through."""
    runs = {
        "ingest": (ingest_pipeline(job.settings), job.ingested),
        "train": (train_pipeline(job.settings), job.trained),
        "predict": (predict_pipeline(job.settings), job.predicted),
    }
    drawn = []
    for name, (pipeline, result) in runs.items():
        picture, page = out / f"{name}.svg", out / f"{name}.html"
        svg = draw_svg_pipeline(pipeline, f"Flights: {name}", result=result)
        picture.write_text(svg, encoding="utf-8")
        walk = draw_html_pipeline(pipeline, f"Flights: {name}", result=result)
        page.write_text(walk, encoding="utf-8")
        drawn += [picture, page]
    return drawn
