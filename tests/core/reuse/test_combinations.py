"""A table of all kinds of products in all situations: which nodes run.

The plan of each run is compared with the run, and its result with that of a full run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.core.reuse.chain import switch, turn

from linepipe_core import File, MissingInputError, Node, NodeExecutionError, Pipeline, RunResult
from linepipe_core.shelf import ObjectShelf


class Sealed(list[int]):
    """A list that can't be pickled."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("sealed")


# Each makes the same of all n from 10 to 19, and something else from 20 on.


def make_plain(n: int, _path: str) -> list[int]:
    return [n // 10]


def make_file(n: int, path: str) -> File:
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(n // 10))
    return File(path)


def make_effect(n: int, _path: str) -> str:
    turn("table", n // 10)
    return "table"


def make_sealed(n: int, _path: str) -> Sealed:
    return Sealed([n // 10])


def read(thing: Any, factor: int) -> int:
    if switch("broken"):
        raise OSError("broken")
    if isinstance(thing, File):
        thing = [int(Path(thing).read_text(encoding="utf-8"))]
    if thing == "table":
        thing = [int(switch("table"))]
    return int(thing[0]) * factor


def after(size: int) -> int:
    return size + 1


KINDS: dict[str, tuple[Callable[..., Any], Any]] = {
    "plain": (make_plain, {}),
    "file": (make_file, {}),
    "effect": (make_effect, {"effect": True}),
    "private": (make_plain, {"persist": False}),
    "sealed": (make_sealed, {}),
}


class Flow:
    """The flow of one kind, in its folder."""

    def __init__(self, folder: Path, kind: str, *, always_run: bool = False) -> None:
        func, told = KINDS[kind]
        self.folder = folder
        self.nodes = [
            Node(func, ["n", "path"], ["thing"], name="make", always_run=always_run, **told),
            Node(read, ["thing", "config.factor"], ["size"]),
            Node(after, ["size"], ["final"]),
        ]

    def pipeline(self, n: int = 10, factor: int = 5, folder: str = "cache") -> Pipeline:
        return Pipeline(
            self.nodes,
            {"factor": factor},
            use_persistent_cache=True,
            cache_storage_path=self.folder / folder,
            n=n,
            path=str(self.folder / "thing.txt"),
        )

    def run(self, n: int = 10, factor: int = 5, *only: str, **options: Any) -> str:
        """Run it and check it. Returns the nodes that ran: m, r and a."""
        whole = self.pipeline(n, factor)
        cached = whole.only_nodes(*only) if only else whole
        plan = cached.plan(**options)
        result = cached.run(reuse=True, **options)
        for entry, step in zip(plan, result.steps, strict=True):
            assert entry.action in ("maybe", "run" if step.status == "ran" else "reuse")
            if entry.action != "maybe":
                assert entry.reasons == step.reasons
        assert [info.stale for info in plan.from_shelf] == [i.stale for i in result.from_shelf]
        assert result.get("final", n // 10 * factor + 1) == n // 10 * factor + 1
        return ran(result)


def ran(result: RunResult) -> str:
    return "".join(step.node.name[0] for step in result.steps if step.status == "ran")


def unchanged(flow: Flow) -> str:
    return flow.run()


def early_cutoff(flow: Flow) -> str:
    return flow.run(11)


def early_cutoff_then_unchanged(flow: Flow) -> str:
    flow.run(11)
    return flow.run(11)


def early_cutoff_and_back(flow: Flow) -> str:
    flow.run(11)
    return flow.run(10)


def changed(flow: Flow) -> str:
    return flow.run(20)


def changed_and_back(flow: Flow) -> str:
    flow.run(20)
    return flow.run(10)


def changed_and_back_and_forth(flow: Flow) -> str:
    flow.run(20)
    flow.run(10)
    return flow.run(20)


def reader_changed(flow: Flow) -> str:
    return flow.run(10, 6)


def reader_changed_and_back(flow: Flow) -> str:
    flow.run(10, 6)
    return flow.run(10, 5)


def slice_of_the_maker(flow: Flow) -> str:
    return flow.run(10, 5, "make")


def slice_of_the_changed_maker(flow: Flow) -> str:
    return flow.run(20, 5, "make")


def whole_after_a_slice_of_the_changed_maker(flow: Flow) -> str:
    flow.run(20, 5, "make")
    return flow.run(20)


def slice_of_the_reader(flow: Flow) -> str:
    return flow.run(10, 5, "read", "after")


def slice_of_the_changed_reader(flow: Flow) -> str:
    return flow.run(10, 6, "read", "after")


def slice_of_the_last(flow: Flow) -> str:
    return flow.run(10, 5, "after")


def asked_for_the_product(flow: Flow) -> str:
    return flow.run(outputs=["thing"])


def asked_for_the_last(flow: Flow) -> str:
    return flow.run(outputs=["final"])


def asked_for_nothing(flow: Flow) -> str:
    return flow.run(outputs=[])


def maker_rerun(flow: Flow) -> str:
    return flow.run(rerun=["make"])


def unchanged_after_a_rerun(flow: Flow) -> str:
    flow.run(rerun=["make"])
    return flow.run()


def reader_rerun(flow: Flow) -> str:
    return flow.run(rerun=["read"])


def _fail(flow: Flow, **options: Any) -> None:
    turn("broken", True)
    with pytest.raises(NodeExecutionError, match="broken"):
        flow.pipeline(20).run(reuse=True, **options)
    turn("broken", False)


def after_a_failure(flow: Flow) -> str:
    _fail(flow)
    return flow.run(20)


def back_after_a_failure(flow: Flow) -> str:
    _fail(flow)
    return flow.run(10)


def after_a_failed_rerun(flow: Flow) -> str:
    _fail(flow, rerun=["make"])
    return flow.run(20)


def run_without_reuse(flow: Flow) -> str:
    flow.pipeline().run()
    return flow.run()


def pruned(flow: Flow) -> str:
    flow.run(20)
    with ObjectShelf(flow.folder / "cache") as shelf:
        shelf.prune(versions=1)
    return flow.run(10)


def product_removed(flow: Flow) -> str:
    with ObjectShelf(flow.folder / "cache") as shelf:
        shelf.pop("thing", None)
    (flow.folder / "thing.txt").unlink(missing_ok=True)
    return flow.run()


SEALED = "MissingInputError"
# m, r and a are the nodes that run: make, read and after.
TABLE: list[tuple[Callable[[Flow], str], str, str, str, str, str]] = [
    # situation                               plain  file   effect private sealed
    (unchanged,                               "",    "",    "",    "",     ""),
    (early_cutoff,                            "m",   "m",   "mr",  "mr",   "mr"),
    (early_cutoff_then_unchanged,             "",    "",    "",    "",     ""),
    (early_cutoff_and_back,                   "",    "",    "mr",  "",     ""),
    (changed,                                 "mra", "mra", "mra", "mra",  "mra"),
    (changed_and_back,                        "",    "m",   "mr",  "",     ""),
    (changed_and_back_and_forth,              "",    "m",   "mr",  "",     ""),
    (reader_changed,                          "ra",  "ra",  "ra",  "mra",  "mra"),
    (reader_changed_and_back,                 "",    "",    "",    "",     ""),
    (slice_of_the_maker,                      "",    "",    "",    "m",    "m"),
    (slice_of_the_changed_maker,              "m",   "m",   "m",   "m",    "m"),
    (whole_after_a_slice_of_the_changed_maker, "ra", "ra",  "ra",  "mra",  "mra"),
    (slice_of_the_reader,                     "",    "",    "",    SEALED, SEALED),
    (slice_of_the_changed_reader,             "ra",  "ra",  "ra",  SEALED, SEALED),
    (slice_of_the_last,                       "",    "",    "",    "",     ""),
    (asked_for_the_product,                   "",    "",    "",    "m",    "m"),
    (asked_for_the_last,                      "",    "",    "",    "",     ""),
    (asked_for_nothing,                       "",    "",    "",    "",     ""),
    (maker_rerun,                             "m",   "m",   "mr",  "mr",   "mr"),
    (unchanged_after_a_rerun,                 "",    "",    "",    "",     ""),
    (reader_rerun,                            "r",   "r",   "r",   "mr",   "mr"),
    (after_a_failure,                         "ra",  "ra",  "ra",  "mra",  "mra"),
    (back_after_a_failure,                    "",    "m",   "mr",  "",     ""),
    (after_a_failed_rerun,                    "ra",  "ra",  "ra",  "mra",  "mra"),
    (run_without_reuse,                       "",    "",    "",    "",     ""),
    (pruned,                                  "mra", "mra", "mra", "mra",  "mra"),
    (product_removed,                         "m",   "m",   "mr",  "",     ""),
]  # fmt: skip

CASES = [
    pytest.param(kind, situation, expected, id=f"{situation.__name__}-{kind}")
    for situation, *row in TABLE
    for kind, expected in zip(KINDS, row, strict=True)
]


@pytest.mark.parametrize(("kind", "situation", "expected"), CASES)
def test_each_kind_in_each_situation(
    tmp_path: Path, kind: str, situation: Callable[[Flow], str], expected: str
) -> None:
    """After one run."""
    flow = Flow(tmp_path, kind)
    assert flow.run() == "mra"
    if expected == SEALED:
        with pytest.raises(MissingInputError, match="'thing' is never kept on the shelf"):
            situation(flow)
    else:
        assert situation(flow) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_made_by_a_node_that_always_runs(tmp_path: Path, kind: str) -> None:
    """Its readers run if it made something else, or what can't be compared."""
    flow = Flow(tmp_path, kind, always_run=True)
    flow.run()
    assert flow.run() == ("m" if kind in ("plain", "file") else "mr")
    assert flow.run(20) == "mra"
    assert flow.run(20, 5, "after") == ""
