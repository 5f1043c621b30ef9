"""Constants and config values that have no content: new in every process, and the reason."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from linepipe_core import Node, Pipeline, register_fingerprint

TEXT = (
    "{} can't be compared (sqlite3.Connection): "
    "make it in a node, or register_fingerprint(type, how)"
)


def total(connection: Any) -> int:
    return int(connection.execute("select 1").fetchone()[0])


def connected(path: Path, connection: Any) -> Pipeline:
    """A pipeline with the connection as a constant, in a constant and in the config."""
    nodes = [
        Node(total, ["con"], ["a"]),
        Node(lambda held: total(held["con"]), ["held"], ["b"], name="held"),
        Node(total, ["config.con"], ["c"]),
    ]
    return Pipeline(
        nodes,
        {"con": connection},
        use_persistent_cache=True,
        cache_storage_path=str(path / "cache"),
        con=connection,
        held={"con": connection},
    )


def test_a_constant_without_content_counts_by_identity_in_its_process(tmp_path: Path) -> None:
    """The same object is the same; another one isn't, though it may get the id of the first."""
    connection = sqlite3.connect(":memory:")
    pipeline = connected(tmp_path, connection)
    assert [step.status for step in pipeline.run(reuse=True).steps] == ["ran"] * 3
    assert [step.status for step in pipeline.run(reuse=True).steps] == ["reused"] * 3
    other = connected(tmp_path, connection)
    assert [step.status for step in other.run(reuse=True).steps] == ["reused"] * 3
    del pipeline, other, connection
    steps = connected(tmp_path, sqlite3.connect(":memory:")).run(reuse=True).steps
    assert [step.status for step in steps] == ["ran"] * 3
    expected = [TEXT.format(name) for name in ("con", "held", "config.con")]
    assert [str(step.reasons[0]) for step in steps] == expected
    assert {step.reasons[0].kind for step in steps} == {"uncomparable"}


@pytest.mark.slow
def test_a_constant_without_content_is_new_in_every_process(tmp_path: Path) -> None:
    """Nobody knows what became of it."""
    script = (
        "import sqlite3, sys; from pathlib import Path\n"
        "from tests.core.reuse.test_uncomparable import connected\n"
        "pipeline = connected(Path(sys.argv[1]), sqlite3.connect(':memory:'))\n"
        "print([step.status for step in pipeline.run(reuse=True).steps])"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    env = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "1"}
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
        assert done.stdout.strip() == "['ran', 'ran', 'ran']"


class Client:
    """An own class that holds a connection."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.connection = sqlite3.connect(":memory:")


def test_a_registered_fingerprint_counts_in_place_of_the_value(tmp_path: Path) -> None:
    """A client by its address, wherever it lies."""
    register_fingerprint(Client, lambda client: client.address)

    def run(client: Client) -> str:
        pipeline = Pipeline(
            [Node(lambda held: held[0].address, ["held"], ["address"], name="address")],
            use_persistent_cache=True,
            cache_storage_path=str(tmp_path / "cache"),
            held=[client],
        )
        return pipeline.run(reuse=True).steps[0].status

    assert [run(Client("a")), run(Client("a")), run(Client("b"))] == ["ran", "reused", "ran"]
