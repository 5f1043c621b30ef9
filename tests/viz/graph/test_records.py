"""Records of nodes, and the line that sums a run, a failure or a plan up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.viz import samples

from linepipe_core import Node, Pipeline
from linepipe_viz.graph.facts import Fact, object_facts, value_text
from linepipe_viz.graph.records import (
    config_changes,
    error_text,
    node_records,
    outcome_text,
)


def outcome(pipeline: Pipeline, overlay: Any) -> str:
    return outcome_text(pipeline.nodes, node_records(pipeline.nodes, overlay))


def test_a_run_is_summed_up_in_counts_and_time() -> None:
    """What was reused and what didn't run are counted too."""
    pipeline = samples.features()
    assert outcome(pipeline, samples.told(pipeline.run())) == "5 ran · 3.38 s in functions"
    part = samples.told(pipeline.to_nodes("clean_data").run())
    assert outcome(pipeline, part) == "2 ran · 3 not run · 459 ms in functions"


def test_a_failure_is_summed_up_by_the_node_and_its_error() -> None:
    """The first line of the message, on the record too."""
    failure = samples.failure(samples.training(), "predict")
    records = node_records(samples.training().nodes, failure)
    assert records[7] is not None
    assert records[7].error == records[7].remark == "ValueError: no such season: 1789"
    assert outcome(samples.training(), failure) == (
        "predict failed: ValueError: no such season: 1789"
    )


def test_a_plan_is_summed_up_in_counts() -> None:
    """What will run first."""
    assert outcome(samples.features(), samples.planned()) == (
        "2 will run · 2 may run · 1 will reuse · saves about 3.10 s"
    )
    assert outcome_text([], []) == ""


class SilentError(Exception):
    """Has no message that can be had."""

    def __str__(self) -> str:
        raise RuntimeError("no message")


def test_errors_are_one_printable_line() -> None:
    """Whatever they say."""
    assert error_text(ValueError("one\ntwo")) == "ValueError: one"
    assert error_text(ValueError("\x1b[31mred")) == "ValueError: \\x1b[31mred"
    assert error_text(SilentError()) == "SilentError"


def test_config_that_changed_is_found_by_its_reason() -> None:
    """By the reason's parts; a run without reasons has none."""
    records = node_records(samples.features().nodes, samples.planned())
    (change,) = config_changes(records).values()
    assert (change.name, change.old, change.new) == ("config.window", "5", "7")
    run = samples.features().run()
    assert config_changes(node_records(samples.features().nodes, run)) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((3, 4)), "ndarray 3 × 4"),
        (pd.DataFrame({"a": [1, 2]}), "DataFrame 2 × 1"),
        (np.float64(2.5), "float64"),
        ({"a": 1}, "dict of 1"),
        ("hunter2", "str of 7"),
        (samples.Table(), "Table"),
    ],
)
def test_values_are_described_by_type_and_shape(value: Any, text: str) -> None:
    """Never by what they hold."""
    assert value_text(value) == text


class Costly:
    """Computes when it is looked at."""

    @property
    def shape(self) -> tuple[int, ...]:
        raise AssertionError("asked")

    def __len__(self) -> int:
        raise AssertionError("asked")

    def __repr__(self) -> str:
        raise AssertionError("asked")


def test_nothing_is_computed_to_describe_a_value() -> None:
    """A user's own properties and methods are left alone."""
    assert value_text(Costly()) == "Costly"


def test_facts_are_those_of_a_runs_own_objects() -> None:
    """Not of a failure or a plan, and not of what lies on a shelf or in a history."""
    pipeline = Pipeline([Node(lambda: [1, 2], [], ["numbers"], name="count")])
    assert object_facts(pipeline, pipeline.run()) == {"numbers": Fact("list", "of 2")}
    assert object_facts(pipeline, None) == {}
    recording = Pipeline(pipeline.nodes, track_history=True)
    assert object_facts(recording, recording.run()) == {}
