"""The service: it answers as the model does, many at once, on the core alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from examples.service.app import Answer, Flight, by_hand, by_pipeline, create_app
from examples.service.load_test import FLIGHT, ROOT, compare
from fastapi.testclient import TestClient

import main as flights
from late_flights.config import read_settings
from late_flights.pipelines import run_job
from late_flights.predict import LateModel, load_model
from late_flights.training import save_model

WAYS = [by_pipeline, by_hand]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LateModel:
    """A model learned from a small sample."""
    settings = read_settings(flights.HERE / "config.toml", tmp_path_factory.mktemp("out"), 3_000)
    run_job(settings)
    return load_model(settings.training.model_path)


def flight(hour: int) -> Flight:
    return Flight.model_validate({**FLIGHT, "departure": f"2013-12-31T{hour:02}:15:00"})


def test_a_request_is_answered_by_both_ways_alike(model: LateModel) -> None:
    """The pipeline adds nothing to the answer and takes nothing away."""
    answers = [
        TestClient(create_app(way(model, 0.5))).post("/predict", json=FLIGHT).json() for way in WAYS
    ]
    assert answers[0] == answers[1]
    assert answers[0]["flight"] == "UA 1545"
    assert 0 < answers[0]["probability"] < 1


def test_requests_at_once_get_their_own_answers(model: LateModel) -> None:
    """Many threads run one pipeline, each bound to its own flight."""
    requests = [flight(hour) for hour in range(6, 22)]
    expected = [by_hand(model, 0.3)(request) for request in requests]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(by_pipeline(model, 0.3), requests))
    assert answers == expected
    assert len({answer.probability for answer in answers}) > 1


def test_a_missing_field_of_a_request_is_reported_before_anything_runs(model: LateModel) -> None:
    """The request's own checks come first."""
    client = TestClient(create_app(by_pipeline(model, 0.5)))
    response = client.post("/predict", json={"carrier": "UA"})
    assert response.status_code == 422
    assert "departure" in response.text


def test_a_node_that_fails_is_named_in_the_answer(model: LateModel) -> None:
    """The caller's log shows which step it was."""
    broken = LateModel(model.classifier, {"carrier": [], "origin": []})
    client = TestClient(create_app(by_pipeline(broken, 0.5)))
    response = client.post("/predict", json=FLIGHT)
    assert response.status_code == 500
    assert response.json()["detail"].startswith("score failed: ")


def test_the_service_imports_the_core_and_nothing_else_of_linepipe() -> None:
    """Its environment has no more (`hatch.toml`), and it asks for no more."""
    code = (
        "import sys, examples.service.app\n"
        "ours = {name.partition('.')[0] for name in sys.modules if name.startswith('linepipe')}\n"
        "assert ours == {'linepipe_core'}, ours"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


@pytest.mark.slow
def test_the_load_test_measures_both_ways(model: LateModel, tmp_path: Path) -> None:
    """Real servers on loopback, few requests: it measures, and says so for both."""
    path = tmp_path / "model.pickle"
    save_model(model, path)
    measured = compare(path, n_requests=20, n_clients=2, n_turns=1)
    assert set(measured) == {"pipeline", "by hand"}
    assert all(rate > 0 and milliseconds > 0 for rate, milliseconds in measured.values())


@pytest.mark.parametrize("way", WAYS)
def test_the_warning_depends_on_the_threshold(
    model: LateModel, way: Callable[[LateModel, float], Callable[[Flight], Answer]]
) -> None:
    """``warn`` is the threshold's doing, by either way."""
    assert way(model, 0.0)(flight(18)).warn
    assert not way(model, 1.0)(flight(18)).warn
