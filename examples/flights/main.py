"""The whole job by one command: ingest, train, predict, and say what was learned.

hatch run flights                  all 336,776 flights of 2013
hatch run flights --sample 20000   a quick look
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from late_flights.config import read_settings
from late_flights.pipelines import Job, draw_job, run_job

HERE = Path(__file__).parent


def report(job: Job) -> str:
    """What was learned and what was written where, for people."""
    return "\n\n".join([told_learned(job), told_next(job), told_written(job)])


def told_learned(job: Job) -> str:
    """The metrics of the model beside those of the baseline."""
    train, test, metrics = (job.trained[name] for name in ("train", "test", "metrics"))
    minutes = job.settings.features.late_minutes
    lines = [
        f"Does a flight from New York arrive over {minutes} minutes late?",
        f"  learned from {told_part(train)}",
        f"  tested on    {told_part(test)}",
        f"  {job.trained['n_trees']} trees, chosen on the learned days from "
        f"{job.settings.training.validate_from} on",
        "",
        f"  {'':<10}{'AUC':>8}{'avg. precision':>17}{'Brier':>8}",
    ]
    for row in metrics.itertuples():
        lines.append(
            f"  {row.forecast:<10}{row.auc:>8.3f}{row.average_precision:>17.3f}{row.brier:>8.3f}"
        )
    return "\n".join(lines)


def told_part(part: pd.DataFrame) -> str:
    """One line about the train or the test set."""
    first, last = part["day"].min(), part["day"].max()
    late = part["late"].mean()
    return f"{len(part):>7,} flights, {first:%Y-%m-%d} to {last:%Y-%m-%d}, {late:.1%} of them late"


def told_next(job: Job) -> str:
    """The flights that are most likely late on the predicted days."""
    predictions = job.predicted["predictions"]
    days = job.settings.predict
    lines = [f"Most likely late, of {len(predictions):,} flights from {days.first_day} on:"]
    for row in predictions.nlargest(3, "probability").itertuples():
        lines.append(
            f"  {row.probability:.0%}  {row.carrier} {row.flight} "
            f"{row.origin} -> {row.dest}, {row.departure:%Y-%m-%d %H:%M}"
        )
    return "\n".join(lines)


def told_written(job: Job) -> str:
    """Rows, tables, files and seconds."""
    parts = [
        ("ingest", job.ingested, ["flights", "weather", "planes"]),
        ("train", job.trained, ["metrics", "tested"]),
        ("predict", job.predicted, ["predictions"]),
    ]
    lines = [f"Written to {from_here(job.settings.db.url)}"]
    for name, result, tables in parts:
        rows = ", ".join(f"{table} {result[f'{table}_written']:,} rows" for table in tables)
        ran = sum(step.status == "ran" for step in result.steps)
        nodes = f"{ran:>2} of {len(result.steps):>2} nodes ran"
        lines.append(f"  {name:<8}{result.seconds:>6.1f} s  {nodes}  {rows}")
    lines.append(f"and the model to {from_here(str(job.settings.training.model_path))}")
    return "\n".join(lines)


def from_here(where: str) -> str:
    """A path or URL without the folder that the command was given in."""
    return where.replace(f"{Path.cwd().as_posix()}/", "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job with the settings of the command line, and print the report."""
    parser = argparse.ArgumentParser(description="Learn which flights arrive late.")
    parser.add_argument("--sample", type=int, help="so many flights instead of config.toml's")
    parser.add_argument("--config", type=Path, default=HERE / "config.toml")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="where results go")
    parser.add_argument("--log", action="store_true", help="show what linepipe logs")
    given = parser.parse_args(arguments)
    level = logging.INFO if given.log else logging.WARNING
    logging.basicConfig(level=level, format="%(name)s: %(message)s")
    job = run_job(read_settings(given.config, given.out, given.sample), is_shown=True)
    pictures = draw_job(job, given.out)
    print(report(job))
    names = ", ".join(path.name for path in pictures)
    print(f"and pictures of the runs to {from_here(str(given.out))}: {names}")


if __name__ == "__main__":
    main()
