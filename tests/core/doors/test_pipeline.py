"""Pipeline: the declaration, what it tells of itself, and what is made of it."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest

from linepipe_core import (
    Node,
    Pipeline,
    UnknownNameError,
    WiringError,
)


def add(a: int, b: int) -> int:
    return a + b


def double(x: int) -> int:
    return 2 * x


def halves(x: int) -> tuple[int, str]:
    return x // 2, "rest"


def unannotated(x):  # type: ignore[no-untyped-def]  # that is what is tested
    return x


def write(x: Any) -> None:
    """A writer."""


def small(**constants: Any) -> Pipeline:
    return Pipeline(
        [Node(add, ["x", "config.by"], ["sum"]), Node(double, ["sum"], ["twice"])],
        {"by": 10},
        **constants,
    )


def test_its_attributes_describe_it() -> None:
    """Nodes, order, info, free inputs and outputs."""
    pipeline = small(x=1)
    assert [node.name for node in pipeline.nodes] == pipeline.node_order == ["add", "double"]
    assert pipeline.nodes_info == [
        {"func": "add", "inputs": ("x", "config.by"), "outputs": ("sum",)},
        {"func": "double", "inputs": ("sum",), "outputs": ("twice",)},
    ]
    assert pipeline.free_inputs == ("x",)
    assert pipeline.outputs == ("twice",)
    assert (pipeline.track_history, pipeline.use_persistent_cache) == (False, False)
    assert pipeline.cache_storage_path == "./.cache/data_storage"
    assert pipeline.history == []


def test_it_is_a_sequence_of_nodes() -> None:
    """Length, iteration, and a node by its name."""
    pipeline = small()
    assert len(pipeline) == 2
    assert list(pipeline) == list(pipeline.nodes)
    assert pipeline["double"] is pipeline.nodes[1]
    assert len(Pipeline([])) == 0


def test_it_contains_its_nodes_and_their_names() -> None:
    """As ``pipeline["double"]`` finds them."""
    pipeline = small()
    assert "double" in pipeline
    assert pipeline["double"] in pipeline
    assert "treble" not in pipeline
    assert Node(double, ["x"], ["y"]) not in pipeline
    assert 0 not in pipeline


def test_a_name_that_is_no_text_is_refused() -> None:
    """With what to write."""
    pipeline: Any = small(x=1)
    with pytest.raises(TypeError, match=r"by its name, got 0\n  by its place: pipeline.nodes"):
        pipeline[0]
    for option in ("outputs", "rerun"):
        with pytest.raises(TypeError, match=rf"{option} must be names, got 3 \(int\)"):
            pipeline.run(**{option: [3]})
        with pytest.raises(TypeError, match=f"{option} must be a list of names, got 3"):
            pipeline.run(**{option: 3})
    with pytest.raises(UnknownNameError, match="no output is called 0"):
        pipeline.run()[0]


def test_options_given_by_mistake_are_refused() -> None:
    """Constants in the place of an option, and the cache's path in that of its switch."""
    options: Any = {"track": 1}, {"x": 1}
    with pytest.raises(TypeError, match=r"track_history is True or False, got a dict\n  constants"):
        Pipeline([], *options)
    path: Any
    for path in ("./cache", Path("cache")):
        kind = type(path).__name__
        said = rf"got a {kind}\n  its place is another option: cache_storage"
        with pytest.raises(TypeError, match=said):
            Pipeline([], use_persistent_cache=path)


def test_its_repr_is_one_line() -> None:
    """With its inputs and outputs."""
    assert repr(small()) == "<Pipeline of 2 nodes: x -> twice>"
    assert repr(Pipeline([])) == "<Pipeline of 0 nodes: (no inputs) -> (no outputs)>"
    wide = Pipeline([Node(write, [f"v{i}"], [f"w{i}"]) for i in range(9)])
    assert "\n" not in repr(wide)
    assert repr(wide).startswith("<Pipeline of 9 nodes: v0, v1, v2, v3, ... (5 more) -> w0")


def test_output_hints_are_the_annotations() -> None:
    """Of several outputs the parts of a fixed tuple; Any where none fits."""
    nodes = [
        Node(double, ["a"], ["b"]),
        Node(halves, ["b"], ["c", "d"]),
        Node(halves, ["b"], ["pair"]),
        Node(unannotated, ["d"], ["e"]),
        Node(double, ["e"], ["f", "g"]),
        Node(SimpleNamespace, {"x": "f"}, ["space"]),
        Node(len, ["f"], ["n"]),
        Node(write, ["g"], []),
    ]
    assert Pipeline(nodes).output_hints == {
        "b": int,
        "c": int,
        "d": str,
        "pair": tuple[int, str],
        "e": Any,
        "f": Any,
        "g": Any,
        "space": SimpleNamespace,
        "n": Any,
    }


def test_annotations_that_cannot_be_evaluated_are_any() -> None:
    """A name that exists for type checkers only is no reason to fail."""
    space: dict[str, Any] = {}
    exec("def f(x: 'Nowhere') -> 'Nowhere': return x", space)
    assert Pipeline([Node(space["f"], ["x"], ["y"])]).output_hints == {"y": Any}


def test_it_is_frozen() -> None:
    """bind() and a new Pipeline are the ways to change something."""
    pipeline = small()
    with pytest.raises(AttributeError, match="a Pipeline is frozen"):
        pipeline.track_history = True  # type: ignore[misc]  # what is refused
    with pytest.raises(AttributeError, match="a Pipeline is frozen"):
        del pipeline.track_history


def test_it_refuses_what_is_no_node() -> None:
    """A bare function, most often; or a node without the list around it."""
    with pytest.raises(TypeError, match=r"wrap the function: Node\(func, inputs, outputs\)"):
        Pipeline([double])  # type: ignore[list-item]  # that is what is tested
    with pytest.raises(TypeError, match=r"takes a list of nodes, got <Node double.*\n  write \["):
        Pipeline(Node(double, ["x"], ["y"]))  # type: ignore[arg-type]  # that is what is tested


def test_a_misspelled_option_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """It became a constant, which nobody reads."""
    with caplog.at_level(logging.WARNING, "linepipe.run"):
        Pipeline([], use_persistant_cache=True)
        Pipeline([], data=1)
        Pipeline([Node(double, ["track_histories"], ["y"])], track_histories=1)
    assert [record.getMessage() for record in caplog.records] == [
        "the constant 'use_persistant_cache' is read by no node; "
        "did you mean 'use_persistent_cache'?"
    ]


def test_a_misspelled_constant_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody reads it, and the one that was meant keeps its old value."""
    pipeline = Pipeline([Node(double, ["factor"], ["y"])], factor=2)
    with caplog.at_level(logging.WARNING, "linepipe.run"):
        pipeline.bind(factr=10)
        for _ in range(2):
            pipeline.bind(factor=10, zzz=1)
    assert [record.getMessage() for record in caplog.records] == [
        "the constant 'factr' is read by no node; did you mean 'factor'?",
        "bind() got 'zzz', which no node reads; they read: factor",  # once a process
    ]


def test_a_cache_path_must_be_one() -> None:
    """A number would silently name a file."""
    path: Any = 3
    with pytest.raises(TypeError):
        Pipeline([], cache_storage_path=path)


def test_constants_are_copied_at_construction() -> None:
    """Later changes don't count."""
    items = [1]
    pipeline = Pipeline([Node(len, ["items"], ["n"])], items=items)
    items.append(2)
    assert pipeline.run()["n"] == 1


def test_a_constant_that_cannot_be_copied_is_kept_by_reference(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And the log says so once."""
    lock = threading.Lock()
    with caplog.at_level(logging.DEBUG, "linepipe.registry"):
        pipeline = Pipeline([Node(lambda lock: lock, ["lock"], ["same"])], lock=lock)
        assert pipeline.run()["same"] is lock
    (record,) = [each.getMessage() for each in caplog.records if "'lock'" in each.getMessage()]
    assert "_thread.lock" in record


def test_binding_a_value_that_cannot_be_copied_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    """A service that binds a connection for each request keeps a readable log."""

    class Connection:
        def __init__(self) -> None:
            self.lock = threading.Lock()

    pipeline = Pipeline([Node(lambda con: None, ["con"], [])])
    with caplog.at_level(logging.WARNING, "linepipe.registry"):
        for _ in range(3):
            pipeline.bind(con=Connection())
        assert len(caplog.records) == 1
        pipeline.bind(con=[print, lambda: None])  # something else of that name
    assert len(caplog.records) == 2


def test_any_name_can_be_a_constants() -> None:
    """``self`` too."""
    constants: dict[str, Any] = {"self": 4}
    pipeline = Pipeline([Node(double, ["self"], ["y"])], **constants)
    assert pipeline.run()["y"] == 8
    assert pipeline.bind(**constants).run()["y"] == 8


class TestBind:
    """bind(): the same pipeline with other constants."""

    def test_replaces_and_adds(self) -> None:
        """Without touching the pipeline it was called on."""
        pipeline = small(x=1)
        assert pipeline.bind(x=5).run()["twice"] == 30
        assert small().bind(x=5, unused=1).run()["twice"] == 30
        assert pipeline.run()["twice"] == 22

    def test_shares_what_was_prepared(self) -> None:
        """So that it is cheap enough for each request of a service."""
        pipeline = small(x=1)
        assert pipeline.bind(x=2).nodes is pipeline.nodes

    def test_refuses_an_outputs_name(self) -> None:
        """A constant would shadow the output."""
        with pytest.raises(WiringError, match="the constant 'sum' has the name of an output"):
            small().bind(sum=1)

    def test_keeps_options_and_forgets_history(self) -> None:
        """History is of the pipeline that ran."""
        pipeline = Pipeline([Node(double, ["x"], ["y"])], track_history=True, x=1)
        pipeline.run()
        bound = pipeline.bind(x=2)
        assert bound.track_history
        assert bound.history == []


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
def test_it_pickles(dumps: Callable[[Any], bytes]) -> None:
    """With config, constants and options; without anyone's results."""
    pipeline = Pipeline(
        [Node(add, ["x", "config.by"], ["y"])], {"by": 2}, True, x=1, items=[1, {"a": 2}]
    )
    pipeline.run()
    again = pickle.loads(dumps(pipeline))
    assert again.run()["y"] == 3
    assert again.track_history
    assert again.node_order == ["add"]


def test_it_runs_in_many_threads_at_once() -> None:
    """Each run has its own objects."""
    pipeline = Pipeline([Node(double, ["x"], ["y"]), Node(add, ["x", "y"], ["z"])], x=0)
    results: dict[int, int] = {}

    def work(i: int) -> None:
        for _ in range(50):
            results[i] = pipeline.bind(x=i).run()["z"]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: 3 * i for i in range(8)}


def test_long_chains_need_no_recursion() -> None:
    """Ten thousand nodes, each reading the one before."""
    n = 10_000
    pipeline = Pipeline([Node(double, [f"v{i}"], [f"v{i + 1}"]) for i in range(n)], v0=0)
    assert pipeline.run()[f"v{n}"] == 0
    assert len(pipeline.to_outputs(f"v{n}")) == n
