"""The main job, whole, on a small sample: rows, metrics, and no leak from the future."""

from __future__ import annotations

import ast
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

import main as flights
from late_flights.config import Settings, read_settings
from late_flights.pipelines import (
    Job,
    features_pipeline,
    ingest_pipeline,
    predict_pipeline,
    run_job,
    train_pipeline,
)
from late_flights.predict import NUMBERS, LateModel, load_model
from late_flights.training import choose_trees, save_model, split_by_date
from linepipe import Pipeline, RunResult

CONFIG = flights.HERE / "config.toml"
SAMPLE = 20_000
CUTOFF = pd.Timestamp("2013-07-15")


WARNED: list[str] = []


class Warned(logging.Handler):
    """Keeps what linepipe warned of while the job ran."""

    def emit(self, record: logging.LogRecord) -> None:
        WARNED.append(record.getMessage())


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The whole job, run once on a sample."""
    handler, log = Warned(logging.WARNING), logging.getLogger("linepipe")
    log.addHandler(handler)
    try:
        return run_job(read_settings(CONFIG, tmp_path_factory.mktemp("out"), SAMPLE))
    finally:
        log.removeHandler(handler)


def test_nothing_is_warned_of(job: Job) -> None:
    """The engine, which is registered, is no news: neither that it's shared nor that it stays."""
    assert job.predicted
    assert WARNED == []


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job of a few flights, run once. Tests that spoil its files have it mend them."""
    return run_job(read_settings(CONFIG, tmp_path_factory.mktemp("small"), 3_000))


@pytest.fixture(scope="module")
def features(job: Job) -> pd.DataFrame:
    """The features of the untouched database."""
    return features_of(job.settings)


def features_of(settings: Settings) -> pd.DataFrame:
    features = features_pipeline(settings).run(outputs=["features"])["features"]
    assert isinstance(features, pd.DataFrame)
    return features


def database(settings: Settings) -> Path:
    return Path(settings.db.url.removeprefix("sqlite:///"))


@pytest.fixture
def features_after(job: Job, tmp_path: Path) -> Callable[[str], pd.DataFrame]:
    """Makes the features from a copy of the database on which a statement was run."""

    def make(statement: str) -> pd.DataFrame:
        settings = read_settings(CONFIG, tmp_path, SAMPLE)
        shutil.copy(database(job.settings), database(settings))
        with closing(sqlite3.connect(database(settings))) as connection:
            changed = connection.execute(statement).rowcount
            connection.commit()
        assert changed > 0, "the statement must change something for the test to mean something"
        return features_of(settings)

    return make


@pytest.mark.parametrize(
    "pipeline", [ingest_pipeline, features_pipeline, train_pipeline, predict_pipeline]
)
def test_the_declarations_pass_the_lint(
    pipeline: Callable[[Settings], Pipeline], tmp_path: Path
) -> None:
    """Types that can't fit, unused constants and misspelt names would be found here."""
    assert not pipeline(read_settings(CONFIG, tmp_path)).check()


def test_the_declarations_alone_know_linepipe() -> None:
    """Any other module can be used, tested and taken along without it."""
    modules = sorted(flights.HERE.rglob("*.py"))
    assert [path.name for path in modules if "linepipe" in imported(path)] == ["pipelines.py"]


def imported(path: Path) -> Iterator[str]:
    """The top-level packages that a module imports, anywhere in it."""
    for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(part, ast.Import):
            names = [name.name for name in part.names]
        elif isinstance(part, ast.ImportFrom):
            names = [part.module or ""]
        else:
            names = []
        yield from (name.partition(".")[0] for name in names)


def test_every_row_that_is_said_to_be_written_is_in_the_database(job: Job) -> None:
    """Row counts of the results are those of the tables."""
    said = {
        name.removesuffix("_written"): rows
        for result in (job.ingested, job.trained, job.predicted)
        for name, rows in result.items()
        if name.endswith("_written")
    }
    with closing(sqlite3.connect(database(job.settings))) as connection:
        found = {
            table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in said
        }
    assert found == said
    assert said["flights"] == SAMPLE
    assert said["weather"] == 26_115
    assert said["planes"] == 3_322
    assert said["metrics"] == 2
    assert said["tested"] == len(job.trained["test"])
    assert said["predictions"] == len(job.predicted["predictions"]) > 0


def test_the_model_beats_the_baseline_by_every_measure(job: Job) -> None:
    """It is better on days that it has never seen."""
    metrics = job.trained["metrics"].set_index("forecast")
    assert metrics.loc["model", "auc"] > metrics.loc["baseline", "auc"] + 0.03
    assert metrics.loc["model", "average_precision"] > metrics.loc["baseline", "average_precision"]
    assert metrics.loc["model", "brier"] < metrics.loc["baseline", "brier"]


def test_train_and_test_are_split_by_day(job: Job) -> None:
    """No flight of a test day is in the train set."""
    assert job.trained["train"]["day"].max() < job.trained["test"]["day"].min()
    assert job.trained["test"]["day"].min() == pd.Timestamp(job.settings.training.test_from)


def test_features_have_one_row_for_each_flight_also_the_cancelled(
    features: pd.DataFrame,
) -> None:
    """A flight that will be cancelled isn't left out: nobody knows it beforehand."""
    assert len(features) == SAMPLE
    assert features.index.is_unique


def test_no_column_gives_away_what_happened_to_the_flight(features: pd.DataFrame) -> None:
    """The model reads no column made of actual times, and the features hold none."""
    assert set(NUMBERS) <= set(features.columns)
    after_the_fact = {"late", "arr_delay", "dep_delay", "dep_time", "arr_time", "air_time"}
    assert not after_the_fact & set(features.columns)


def test_cutting_off_the_future_leaves_the_features_of_the_past_unchanged(
    features: pd.DataFrame, features_after: Callable[[str], pd.DataFrame]
) -> None:
    """On the day of the cutoff these very features could have been made."""
    cut = features_after(
        f"DELETE FROM flights WHERE month * 100 + day >= {CUTOFF.month * 100 + CUTOFF.day}"
    )
    past = features[features["day"] < CUTOFF]
    assert len(past) > 5_000
    assert_frame_equal(cut, past, check_exact=True)


def test_outcomes_of_yesterday_and_later_reach_no_feature_of_today(
    features: pd.DataFrame, features_after: Callable[[str], pd.DataFrame]
) -> None:
    """A flight of yesterday evening may still be in the air this morning."""
    yesterday = CUTOFF - pd.Timedelta(days=1)
    changed = features_after(
        "UPDATE flights SET arr_delay = 999 "
        f"WHERE month * 100 + day >= {yesterday.month * 100 + yesterday.day}"
    )
    known = features["day"] <= CUTOFF
    assert_frame_equal(changed[known], features[known], check_exact=True)
    later = features["day"] > CUTOFF
    assert not changed.loc[later, "late_by_carrier"].equals(features.loc[later, "late_by_carrier"])


def test_weather_of_the_scheduled_hour_and_later_reaches_no_feature(
    features: pd.DataFrame, features_after: Callable[[str], pd.DataFrame]
) -> None:
    """The scheduled hour's own observation may be taken after take-off."""
    noon = "2013-07-15T16:00:00Z"
    changed = features_after(f"UPDATE weather SET temp = -99 WHERE time_hour >= '{noon}'")
    earlier = features["hour_utc"] <= pd.Timestamp(noon)
    assert_frame_equal(changed[earlier], features[earlier], check_exact=True)
    next_hour = changed["hour_utc"] == pd.Timestamp(noon) + pd.Timedelta(hours=1)
    assert (changed.loc[next_hour, "temp"] == -99).all()


def test_old_weather_is_no_weather(
    features: pd.DataFrame, features_after: Callable[[str], pd.DataFrame]
) -> None:
    """Past weather_max_age_hours the columns are missing, not stale."""
    changed = features_after("DELETE FROM weather WHERE time_hour >= '2013-07-15T00:00:00Z'")
    day_after = changed["day"] == pd.Timestamp("2013-07-16")
    assert changed.loc[day_after, "temp"].isna().all()
    assert features.loc[day_after, "temp"].notna().any()


def test_the_saved_model_scores_what_the_predict_pipeline_wrote(job: Job) -> None:
    """Predictions are probabilities of the asked days, by the model in the file."""
    predictions = job.predicted["predictions"]
    assert predictions["probability"].between(0, 1).all()
    days = job.settings.predict
    assert (predictions["departure"].dt.date >= days.first_day).all()
    assert (predictions["departure"].dt.date <= days.last_day).all()
    model = load_model(job.settings.training.model_path)
    assert sorted(model.categories) == ["carrier", "dest", "origin"]


PURE = ["split_known", "add_weather", "add_planes", "add_history"]


def test_prediction_finds_the_features_of_training_on_the_shelf(job: Job) -> None:
    """Both pipelines hold the same feature nodes, and share a shelf."""
    assert {statuses(job.predicted)[name] for name in PURE} == {"reused"}
    assert set(statuses(job.trained).values()) == {"ran"}


def ran(result: RunResult) -> set[str]:
    return {name for name, status in statuses(result).items() if status == "ran"}


LOADS = {"open_database", "connect", "load_flights", "load_weather", "load_planes"}


def test_the_job_again_reads_the_tables_and_nothing_else(small: Job) -> None:
    """Others may have changed them; they say the same, so nothing is fitted or written."""
    again = run_job(small.settings)
    assert ran(again.ingested) == {"open_database"}
    assert ran(again.trained) == ran(again.predicted) == LOADS
    assert again.ingested["flights_written"] == 3_000
    assert_frame_equal(again.trained["metrics"], small.trained["metrics"])
    assert_frame_equal(again.predicted["predictions"], small.predicted["predictions"])


def test_a_database_that_is_gone_is_written_again_and_nothing_is_fitted(small: Job) -> None:
    """The shelf knows what was written, and that it was another database."""
    database(small.settings).unlink()
    again = run_job(small.settings)
    assert ran(again.ingested) >= {"write_flights", "write_weather", "write_planes"}
    assert ran(again.trained) == LOADS | {"write_metrics", "write_tested"}
    assert ran(again.predicted) == LOADS | {"write_scores"}
    with closing(sqlite3.connect(database(small.settings))) as connection:
        assert connection.execute("SELECT COUNT(*) FROM flights").fetchone() == (3_000,)


def test_another_model_in_the_file_is_scored_with_until_training_mends_it(small: Job) -> None:
    """Prediction goes by what lies there, whoever wrote it; training knows what it wrote."""
    path = small.settings.training.model_path
    found = load_model(path)
    save_model(LateModel(found.classifier, {**found.categories, "carrier": ["UA"]}), path)
    predict = predict_pipeline(small.settings)
    assert ran(predict.run(reuse=True)) == LOADS | {"load_model", "score", "write_scores"}
    assert ran(train_pipeline(small.settings).run(reuse=True)) == LOADS | {"save_model_file"}
    assert load_model(path).categories == found.categories
    assert ran(predict.run(reuse=True)) >= {"write_scores"}  # the table holds the others' scores


def test_the_test_set_has_no_say_in_the_number_of_trees(job: Job) -> None:
    """It is chosen of the train set alone, and depends on its last days."""
    how = job.settings.training
    train = job.trained["train"]
    assert job.trained["n_trees"] == choose_trees(train, how)
    assert 1 < job.trained["n_trees"] < how.max_iter
    judging = train["day"] >= pd.Timestamp(how.validate_from)
    falsified = train.assign(late=train["late"].where(~judging, 1 - train["late"]))
    assert choose_trees(falsified, how) == 1


def statuses(result: RunResult) -> dict[str, str]:
    return {step.node.name: step.status for step in result.steps}


def test_a_foreign_file_in_place_of_the_model_is_refused(tmp_path: Path) -> None:
    """The message says what to do."""
    import pickle

    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps({"not": "a model"}))
    with pytest.raises(TypeError, match=r"holds a dict, not a LateModel: train again"):
        load_model(path)


def test_a_split_that_leaves_nothing_to_test_says_how_to_mend_it(job: Job) -> None:
    """The day and the setting are named."""
    train, how = job.trained["train"], job.settings.training
    with pytest.raises(ValueError, match=r"(?s)2013-11-01 .* 0 flights .*training\.test_from"):
        split_by_date(train.drop(columns="late"), train[["late"]], how.test_from)
    early = train[train["day"] < pd.Timestamp(how.validate_from)]
    with pytest.raises(ValueError, match=r"(?s)0 flights .* move training\.validate_from"):
        choose_trees(early, how)


def test_a_model_is_not_chosen_by_the_days_that_judge_it(tmp_path: Path) -> None:
    """Settings that would do so are refused before anything runs."""
    wrong = tmp_path / "config.toml"
    wrong.write_text(CONFIG.read_text(encoding="utf-8").replace("2013-10-01", "2013-11-15"))
    with pytest.raises(ValidationError, match=r"validate_from \(2013-11-15\) must lie before"):
        read_settings(wrong, tmp_path)


def test_the_command_prints_what_was_learned_and_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report of the one command, on a few flights."""
    flights.main(["--sample", "3000", "--out", str(tmp_path)])
    printed, shown = capsys.readouterr()
    assert "AUC" in printed
    assert "flights 3,000 rows, weather 26,115 rows, planes 3,322 rows" in printed
    assert f"sqlite:///{tmp_path}/flights.db" in printed
    assert (tmp_path / "flights.db").exists()
    assert (tmp_path / "model.pickle").exists()
    assert "19/19 ✔ write_tested" in shown
    for name in ("ingest", "train", "predict"):
        assert f"Flights: {name}" in (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
        assert (tmp_path / f"{name}.html").exists()


def test_a_misspelt_setting_is_refused_by_name(tmp_path: Path) -> None:
    """Nothing runs with a setting that nobody reads."""
    wrong = tmp_path / "config.toml"
    wrong.write_text(CONFIG.read_text(encoding="utf-8").replace("max_iter", "max_iters"))
    with pytest.raises(ValidationError, match=r"(?s)training\.max_iter\b.*training\.max_iters\b"):
        read_settings(wrong, tmp_path)
