"""A service that answers: how likely is it that this flight arrives late?

The pipeline is declared once; each request binds its flight to it and runs. The model is a
constant: it was copied when the pipeline was built, and the node that reads it promises not to
change it, so no request pays for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from late_flights.predict import LateModel, load_model, score
from linepipe_core import Node, NodeExecutionError, Pipeline

__all__ = ["Answer", "Flight", "by_hand", "by_pipeline", "create_app", "prediction", "service"]

DEFAULT_MODEL = Path(__file__).parents[1] / "flights" / "out" / "model.pickle"


class Flight(BaseModel):
    """What is known of a flight before it leaves; what isn't known may be left out."""

    carrier: str
    flight: int
    origin: str
    dest: str
    departure: datetime
    arrival_minute_of_day: int
    distance: int
    same_hour_departures: int
    temp: float | None = None
    dewp: float | None = None
    humid: float | None = None
    wind_speed: float | None = None
    wind_gust: float | None = None
    precip: float | None = None
    pressure: float | None = None
    visib: float | None = None
    plane_age: float | None = None
    seats: float | None = None
    late_by_carrier: float | None = None
    late_by_dest: float | None = None
    late_by_route: float | None = None
    late_recently_by_origin: float | None = None


class Answer(BaseModel):
    """How likely the flight is late, and whether that is worth a message."""

    flight: str
    probability: float
    warn: bool


def as_features(flight: Flight) -> pd.DataFrame:
    """One row, with the columns that training made of the tables."""
    departure = flight.departure
    row = flight.model_dump() | {
        "minute_of_day": departure.hour * 60 + departure.minute,
        "weekday": departure.weekday(),
    }
    return pd.DataFrame([row])


def as_answer(scored: pd.DataFrame, warn_from: float) -> Answer:
    """What the caller gets."""
    row = scored.iloc[0]
    probability = float(row["probability"])
    return Answer(
        flight=f"{row['carrier']} {row['flight']}",
        probability=probability,
        warn=probability >= warn_from,
    )


def prediction(model: LateModel, warn_from: float) -> Pipeline:
    """Flight -> answer. Its one free input is ``flight``."""
    return Pipeline(
        [
            Node(as_features, ["flight"], ["features"]),
            Node(score, ["features", "model"], ["scored"], isolate=False),
            Node(as_answer, ["scored", "config.warn_from"], ["answer"]),
        ],
        config={"warn_from": warn_from},
        model=model,
    )


def by_pipeline(model: LateModel, warn_from: float) -> Callable[[Flight], Answer]:
    """Answers by the pipeline."""
    pipeline = prediction(model, warn_from)

    def answer(flight: Flight) -> Answer:
        made: Answer = pipeline.bind(flight=flight).run()["answer"]
        return made

    return answer


def by_hand(model: LateModel, warn_from: float) -> Callable[[Flight], Answer]:
    """The same functions, called by hand: what the load test compares with."""

    def answer(flight: Flight) -> Answer:
        return as_answer(score(as_features(flight), model), warn_from)

    return answer


def create_app(answer: Callable[[Flight], Answer]) -> FastAPI:
    """The application around a way to answer."""
    app = FastAPI(title="Late flights")

    @app.post("/predict")
    def predict(flight: Flight) -> Answer:  # not async: FastAPI gives it a thread of its own
        try:
            return answer(flight)
        except NodeExecutionError as error:
            raise HTTPException(500, f"{error.node.name} failed: {error.__cause__}") from error

    return app


def service() -> FastAPI:
    """What ``uvicorn --factory`` starts; the environment says which model, and which way."""
    model = load_model(Path(os.environ.get("LATE_FLIGHTS_MODEL", DEFAULT_MODEL)))
    way = by_hand if os.environ.get("LATE_FLIGHTS_BY_HAND") else by_pipeline
    return create_app(way(model, warn_from=0.5))
