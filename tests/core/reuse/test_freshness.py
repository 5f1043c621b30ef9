"""Decisions as tables: what was recorded and what is known today in, actions and reasons out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from linepipe_core import Node
from linepipe_core._code.parts import FUNCTION, PYTHON, Part, PartKey
from linepipe_core._declare.wiring import Wiring
from linepipe_core._reuse.compare import code_changes
from linepipe_core._reuse.decide import Decision, ReusePlanner
from linepipe_core._reuse.reasons import as_made_on
from linepipe_core._reuse.record import Record, StoredObject, Version, record_keys


def anything(*args: Any) -> Any:
    return args


def node(name: str, inputs: str, outputs: str, **options: Any) -> Node:
    return Node(anything, inputs.split(), outputs.split(), name=name, **options)


GLOBAL = PartKey("global", "T")
CODE = {PYTHON: Part("3.11", "3.11"), FUNCTION: Part("f"), GLOBAL: Part("3", "3")}
CHAIN = [
    node("load", "n", "raw"),
    node("clean", "raw config.k", "cleaned"),
    node("write", "cleaned", ""),
]
SEALED = [node("connect", "", "c"), node("fetch", "c n", "a"), node("use", "a", "b")]


def record(reads: str = "", makes: str = "", sealed: str = "", **changes: Any) -> Record:
    """A record of a node that read and made these, each with a digest like its name."""
    inputs = {name: Part(name) for name in reads.split()}
    outputs: dict[str, str | None] = {name: name for name in makes.split()}
    outputs |= dict.fromkeys(sealed.split())
    found = Record(", ".join(inputs), CODE, inputs, outputs, [])
    return found._replace(**changes)


RECORDS = [record("n", "raw"), record("raw config.k", "cleaned"), record("cleaned")]
SEALED_RECORDS = [
    record(sealed="c"),
    record("c n", "a", inputs={"c": Part(record(sealed="c").made), "n": Part("n")}),
    record("a", "b"),
]


def outlook(
    nodes: list[Node] = CHAIN,
    records: list[Record | None] | None = None,
    given: Mapping[str, str] | None = None,
    parts: Mapping[int, Mapping[PartKey, Part]] | None = None,
    gone: str = "",
    rerun: tuple[int, ...] = (),
    kept: str = "",
) -> ReusePlanner:
    """The plan when all is as recorded, but for the given changes."""
    gone_names = gone.split()
    today = {"n": "n", "config.k": "config.k", **(given or {})}
    known = list(RECORDS) if records is None else records
    return ReusePlanner(
        Wiring(nodes),
        [[version(each, gone_names)] if each is not None else [] for each in known],
        lambda index, _record: (parts or {}).get(index, CODE),
        {name: Part(digest) for name, digest in today.items()},
        {"n"},
        {},
        set(),
        rerun,
        kept.split(),
        {},
    )


def version(found: Record, gone: Collection[str] = (), **more: Any) -> Version:
    """A version of which everything is on the shelf, but for what is gone."""
    there = {n: d for n, d in found.outputs.items() if d is not None and n not in gone}
    return Version(1, found, {n: StoredObject(d, d) for n, d in there.items()}, **more)


def actions(found: ReusePlanner) -> str:
    return " ".join(decision.action for decision in found.decisions)


OTHER = {**CODE, GLOBAL: Part("4", "4")}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "reuse reuse reuse"),
        ({"records": [None, None, None]}, "run run run"),
        ({"records": [*RECORDS[:2], None]}, "reuse reuse run"),
        ({"given": {"n": "m"}}, "run maybe maybe"),
        ({"given": {"config.k": "2"}}, "reuse run maybe"),
        ({"parts": {1: OTHER}}, "reuse run maybe"),
        ({"gone": "raw"}, "run maybe maybe"),
        ({"gone": "cleaned"}, "reuse run maybe"),
        ({"rerun": (2,)}, "reuse reuse run"),
        ({"nodes": [node("load", "n", "raw", always_run=True), *CHAIN[1:]]}, "run maybe maybe"),
        ({"nodes": SEALED, "records": SEALED_RECORDS}, "reuse reuse reuse"),
        ({"nodes": SEALED, "records": SEALED_RECORDS, "kept": "c"}, "run reuse reuse"),
        ({"nodes": SEALED, "records": SEALED_RECORDS, "given": {"n": "m"}}, "run run maybe"),
        ({"nodes": SEALED, "records": SEALED_RECORDS, "rerun": (2,)}, "reuse reuse run"),
        ({"nodes": SEALED, "records": SEALED_RECORDS, "parts": {0: OTHER}}, "run maybe maybe"),
    ],
    ids=str,
)
def test_actions_that_are_planned(options: dict[str, Any], expected: str) -> None:
    """Forwards through what may change, backwards to who is needed."""
    assert actions(outlook(**options)) == expected


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({GLOBAL: Part("4", "4")}, "global T changed: 3 -> 4"),
        ({GLOBAL: Part("4")}, "global T changed"),
        ({FUNCTION: Part("g")}, "its code changed"),
        ({PYTHON: Part("3.12", "3.12"), FUNCTION: Part("g")}, "Python changed: 3.11 -> 3.12"),
        ({GLOBAL: None}, "global T is gone"),
    ],
)
def test_reasons_name_the_part_and_both_values(
    part: dict[PartKey, Part | None], reason: str
) -> None:
    """As far as they are short; another Python says all there is to say."""
    today = {key: each for key, each in {**CODE, **part}.items() if each is not None}
    assert code_changes(record().parts, today, record().state) == [reason]


@pytest.mark.parametrize(
    "key",
    [PartKey("code", "a.<locals>.b"), PartKey("code", "b", 2), PartKey("package", "numpy")],
    ids=str,
)
def test_a_part_that_was_not_recorded_is_no_reason(key: PartKey) -> None:
    """The hash of what leads to it would be another: a run has filled a registry, say."""
    assert code_changes(CODE, {**CODE, key: Part("1")}, ()) == []
    (gone,) = code_changes({**CODE, key: Part("1")}, CODE, ())
    assert gone.endswith(" is gone")


@pytest.mark.parametrize(
    ("then", "now", "is_same"),
    [
        (Part("1", made="m"), Part("2", made="m"), True),
        (Part("1", made="m"), Part("2", made="n"), False),
        (Part("1"), Part("2"), False),  # nothing tells how it was made
        (Part("1", made="m"), Part("1", made="n"), True),  # equal content is the same
        (Part("1", made="m"), None, True),  # the run had put it there
    ],
)
def test_nodes_state_counts_by_the_statements_that_made_it(
    then: Part, now: Part | None, is_same: bool
) -> None:
    """Its content is what runs have left."""
    today = {key: part for key, part in {**CODE, GLOBAL: now}.items() if part is not None}
    assert (code_changes({**CODE, GLOBAL: then}, today, {GLOBAL}) == []) == is_same
    if then != now and (now is None or then.digest != now.digest):
        assert code_changes({**CODE, GLOBAL: then}, today, ())


def test_a_node_that_ran_and_made_the_same_leaves_its_readers_fresh() -> None:
    """Foreseen as maybe, decided when it is known."""
    found = outlook(given={"n": "m"})
    assert found.decide(0).action == "run"
    found.ran(0, version(record("n", "raw")))
    assert found.decide(1) == ("reuse", ("nothing changed",))


def test_a_record_reads_as_it_was_written() -> None:
    """And what isn't a record reads as none."""
    one = record("n", "raw", sealed="x", state=[PartKey("global", "memo")])
    assert Record.read(one.text()) == one
    watched = one._replace(uses=("numpy",), notes=("data.csv",))
    assert Record.read(watched.text()) == watched
    for text in (None, "", "nonsense", "[99]", "[]", "{}", "null"):
        assert Record.read(text) is None


def test_keys_of_records_tell_nodes_apart_but_not_by_their_names() -> None:
    """By their outputs; writers by their function and what they read."""
    nodes = [*CHAIN, node("other", "cleaned", ""), node("third", "raw", "")]
    writers = {2: "save", 3: "export", 4: "save"}
    keys = record_keys(nodes, writers)
    assert len(set(keys)) == 5
    renamed = [node(f"{n.name}2", " ".join(n.inputs), " ".join(n.outputs)) for n in nodes]
    assert record_keys(renamed, writers) == keys


def test_the_newest_version_that_fits_is_reused() -> None:
    """Whichever is the current one; if none fits, the reasons are those of the current one."""
    older, newer = RECORDS[0]._replace(inputs={"n": Part("old")}), RECORDS[0]
    versions = [
        version(newer, stored=3.0, is_current=False),
        version(older, stored=2.0),
        version(newer._replace(parts=OTHER), stored=1.0, is_current=False),
    ]

    def decided(n: str, code: Mapping[PartKey, Part] = CODE) -> Decision:
        planner = ReusePlanner(
            Wiring(CHAIN[:1]), [versions], lambda _index, _record: code,
            {"n": Part(n, n)}, {"n"}, {}, set(), (), (), {},
        )  # fmt: skip
        return planner.decide(0)

    assert decided("old") == ("reuse", ("nothing changed",))
    assert decided("n").action == "reuse"
    assert decided("n").reasons == (as_made_on(3.0),)
    assert decided("n", OTHER).reasons == (as_made_on(1.0),)
    assert decided("new") == ("run", ("input n changed",))
    assert decided("old", OTHER) == ("run", ("global T changed: 3 -> 4",))
