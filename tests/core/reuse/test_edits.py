"""Edits to real modules on disk: each makes the right nodes run, and no other."""

# ruff: noqa: E501  # the table of edits holds what is replaced and by what

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from linepipe_core.shelf import ObjectShelf

FLOW = Path(__file__).parent / "edited_flow"
NODES = {
    "L": "load",
    "T": "tidy",
    "E": "enrich",
    "M": "train",
    "S": "summarise",
    "R": "report",
}


class Edit(NamedTuple):
    """A file, a text in it and its replacement, and the nodes that must run for it."""

    file: str
    old: str
    new: str
    runs: str
    reason: str = ""  # one of the reasons of the first of these nodes
    undone: str | None = None  # the nodes that run when it is undone, if they are others


H, M, F = "helpers.py", "more.py", "flow.py"
EDITS = {
    # what changes nothing
    "comment": Edit(H, "# Small ones are noise.", "# Small ones are only noise.", ""),
    "docstring": Edit(H, '"""Clean one value."""', '"""Clean."""', ""),
    "docstring removed": Edit(M, '    """Double it."""\n', "", ""),
    "module docstring": Edit(F, '"""A flow of six', '"""The flow of six', ""),
    "blank lines": Edit(H, "def clean(", "\n\n\n\n\ndef clean(", ""),
    "renamed local variable": Edit(
        H,
        "cleaned = inner(value) if value > THRESHOLD else 0\n    return cleaned",
        "done = inner(value) if value > THRESHOLD else 0\n    return done",
        "",
    ),
    "renamed comprehension variable": Edit(
        F,
        "helpers.clean(value) for value in raw if value < limit",
        "helpers.clean(v) for v in raw if v < limit",
        "",
    ),
    "reformatted": Edit(
        F,
        'return [HANDLERS["up"](triple(value)) for value in squares(tidied)]',
        "return [\n        HANDLERS['up'](\n            triple(value)\n        )\n        for value in squares(tidied)\n    ]",
        "",
    ),
    "type hints": Edit(H, "def clean(value):", "def clean(value: int) -> int:", ""),
    "type hints of an inner function": Edit(
        H, "def add(value):", "def add(value: int) -> int:", ""
    ),
    "moved function": Edit(
        H,
        'def label(value):\n    return f"{value:.1f}"\n\n\ndef word(value):\n    return WORDS[value > 100]',
        'def word(value):\n    return WORDS[value > 100]\n\n\ndef label(value):\n    return f"{value:.1f}"',
        "",
    ),
    "helper moved to another module": Edit(
        H,
        'def label(value):\n    return f"{value:.1f}"',
        "exec('def label(value):\\n    return f\"{value:.1f}\"')",
        "",
    ),
    "unused constant": Edit(H, "UNUSED = 1", "UNUSED = 2", ""),
    "unused function": Edit(M, "return value * 2 + 2", "return value * 2 + 3", ""),
    "parameter name of a lambda": Edit(
        H,
        'HANDLERS = {"up": lambda x: x + 1, "down"',
        'HANDLERS = {"up": lambda y: y + 1, "down"',
        "E",
    ),
    "order of a dict": Edit(
        H,
        '"up": lambda x: x + 1, "down": lambda x: x - 1',
        '"down": lambda x: x - 1, "up": lambda x: x + 1',
        "E",
    ),
    "unread config leaf": Edit(F, '"unread": 1', '"unread": 2', ""),
    "imported alias renamed": Edit(
        H, "import itertools as it", "import itertools as tools", "", ""
    ),
    "docstring of a late module": Edit(
        "late.py", "Imported inside a node", "Imported only inside a node", ""
    ),
    # what changes something, but what comes out is the same: early cutoff
    "memo has another start": Edit(
        H, "CALLS = {}", "CALLS = {-1: 1}", "L", "global CALLS changed: {} -> {-1: 1}"
    ),
    "helper of a helper, same result": Edit(
        M, "return value * 2\n", "return value + value\n", "T", "helper deeper() changed"
    ),
    "constant of a helper, same result": Edit(
        H, "THRESHOLD = 3", "THRESHOLD = 3.5", "T", "global THRESHOLD changed: 3 -> 3.5"
    ),
    "parameter name": Edit(
        H,
        "def squares(values):\n    return [value ** Options().power for value in values",
        "def squares(numbers):\n    return [value ** Options().power for value in numbers",
        "E",
        "helper squares() changed",
    ),
    "another lambda of the dict": Edit(
        H, '"down": lambda x: x - 1', '"down": lambda x: x - 2', "E", "global HANDLERS changed"
    ),
    "unused method of a class": Edit(
        M, "return 0\n", "return 1\n", "MS", "helper Base.unused() changed"
    ),
    "local name of the node's own": Edit(
        F, "model = Model(alpha)\n", "model = Model(k=alpha)\n", "M", "its code changed"
    ),
    "late import": Edit(
        "late.py",
        "return 2",
        "return 1 + 1 * 1 + 0 * start.__code__.co_argcount",
        "L",
        "module late changed",
    ),
    "node's input passed by keyword": Edit(
        F,
        'Node(tidy, ["raw", "config.limit"]',
        'Node(tidy, {"raw": "raw", "limit": "config.limit"}',
        "T",
        "inputs changed: raw, config.limit -> limit=config.limit, raw=raw",
    ),
    # what changes what comes out
    "helper": Edit(
        H, "value > THRESHOLD else 0", "value > THRESHOLD else 1", "TEMSR", "helper clean() changed"
    ),
    "helper of a helper": Edit(
        M, "return value * 2\n", "return value * 3\n", "TEMSR", "helper deeper() changed"
    ),
    "constant of a helper": Edit(
        H, "THRESHOLD = 3", "THRESHOLD = 4", "TEMSR", "global THRESHOLD changed: 3 -> 4"
    ),
    "type of a constant": Edit(
        M, "SCALE = 10", "SCALE = 10.0", "EMS", "global FACTOR changed: 10 -> 10.0"
    ),
    "content of a constant list": Edit(
        H,
        '"low", "high"',
        '"low", "very high"',
        "SR",
        "global WORDS changed: ['low', 'high'] -> ['low', 'very high']",
    ),
    "node's own code": Edit(
        F, "if value < limit", "if value <= limit", "TEMSR", "its code changed"
    ),
    "default value": Edit(
        H, "shift=0", "shift=1", "EMSR", "default shift of scaled changed: 0 -> 1"
    ),
    "partial's argument": Edit(
        H, "partial(scaled, by=3)", "partial(scaled, by=4)", "EMSR", "global triple changed"
    ),
    "lambda in a dict": Edit(
        H, '"up": lambda x: x + 1', '"up": lambda x: x + 2', "EMSR", "global HANDLERS changed"
    ),
    "comprehension": Edit(
        H,
        "for value in values if value > 0",
        "for value in values if value > 12",
        "EMSR",
        "helper squares() changed",
    ),
    "dataclass default": Edit(
        H, "power: int = 2", "power: int = 3", "EMSR", "attribute Options.power changed: 2 -> 3"
    ),
    "match statement": Edit(
        H, 'return "some"', 'return "something"', "SR", "helper kind() changed"
    ),
    "match pattern": Edit(
        H, 'case {"deep": _}', 'case {"deeper": _}', "S", "helper kind() changed"
    ),
    "f-string": Edit(H, "{value:.1f}", "{value:.2f}", "SR", "helper label() changed"),
    "decorator's body": Edit(
        M, "return result", "return result + 1", "MS", "helper traced.wrapper() changed"
    ),
    "decorated function": Edit(
        H, "round(value, 2)", "round(value, 3) + 1", "MS", "helper rounded() changed"
    ),
    "decorator removed": Edit(H, "@traced\n", "", "M"),
    "class method": Edit(
        H,
        "return self.weight() * value",
        "return self.weight() - value",
        "MSR",
        "helper Model.predict() changed",
    ),
    "property": Edit(
        H,
        "return 1\n\n\ndef squares",
        "return 2\n\n\ndef squares",
        "MSR",
        "helper Model.size() changed",
    ),
    "base class's method": Edit(
        M,
        "return 2\n\n    def unused",
        "return 3\n\n    def unused",
        "MSR",
        "helper Base.weight() changed",
    ),
    "class attribute": Edit(
        H, "bias = 1", "bias = 2", "MSR", "attribute Model.bias changed: 1 -> 2"
    ),
    "closure value": Edit(
        H,
        "make_adder(5)",
        "make_adder(6)",
        "SR",
        "closure value amount of make_adder.add changed: 5 -> 6",
    ),
    "closure's body": Edit(
        H, "return value + amount", "return value - amount", "SR", "helper make_adder.add() changed"
    ),
    "imported alias of another thing": Edit(
        H,
        "from more import Base, inner, traced",
        "from more import Base, traced\nfrom more import other_inner as inner",
        "TEMSR",
        "helper clean() changed",
    ),
    "module attribute": Edit(
        F, "helpers.running(enriched)", "helpers.squares(enriched)", "SR", "its code changed"
    ),
    "config value": Edit(F, '"limit": 9', '"limit": 8', "TEMSR", "config.limit changed: 9 -> 8"),
    "config value of one node": Edit(
        F, '"alpha": 0.5', '"alpha": 0.75', "MSR", "config.alpha changed: 0.5 -> 0.75"
    ),
    "constant": Edit(F, "n=12", "n=5", "LTEMSR", "input n changed: 12 -> 5"),
    "constant, cut off": Edit(F, "n=12", "n=13", "LT", "input n changed: 12 -> 13"),
    "late module": Edit("late.py", "return 2", "return 5", "LTEMSR", "module late changed"),
    "upgraded package": Edit(
        "site-packages/installed_thing-1.0.dist-info/METADATA",
        "Version: 1.0",
        "Version: 1.1",
        "R",
        "package installed-thing changed: 1.0 -> 1.1",
    ),
    # pipelines that change
    "renamed node": Edit(
        F,
        'Node(enrich, ["tidied"], ["enriched"])',
        'Node(enrich, ["tidied"], ["enriched"], name="enriching")',
        "",
    ),
    "renamed writer": Edit(
        F,
        'Node(report, ["summary", "config.path"], [])',
        'Node(report, ["summary", "config.path"], [], name="reporting")',
        "",
    ),
    "grown pipeline": Edit(
        F,
        '            Node(summarise, ["enriched", "model"], ["summary"]),\n            Node(report, ["summary", "config.path"], []),',
        '            Node(summarise, ["enriched", "model"], ["summary"]),\n            Node(helpers.kind, ["n"], ["extra"], name="extra"),\n            Node(report, ["summary", "config.path"], []),',
        "T",
        undone="",
    ),
    "renamed object": Edit(
        F,
        'Node(load, ["n"], ["raw"]),\n            Node(tidy, ["raw",',
        'Node(load, ["n"], ["rough"]),\n            Node(tidy, ["rough",',
        "LT",
        "never ran",
        "T",
    ),
    "always_run": Edit(
        F,
        '["tidied"]),\n            Node(enrich',
        '["tidied"], always_run=True),\n            Node(enrich',
        "T",
        "always_run",
        "",
    ),
}


class Driver:
    """A process that runs the flow of a folder in forks of itself."""

    def __init__(self, seed: str) -> None:
        path = ":".join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(
            [sys.executable, str(FLOW / "driver.py")],
            env={"PYTHONPATH": path, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(folder, file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def drivers() -> Iterator[list[Driver]]:
    """Two, with other orders of sets."""
    pair = [Driver("1"), Driver("2")]
    yield pair
    for driver in pair:
        driver.close()


@pytest.fixture(scope="module")
def fresh(drivers: list[Driver], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flow's folder after a first run; nothing is gone back to, so that undoing counts."""
    folder = tmp_path_factory.mktemp("flow") / "project"
    shutil.copytree(FLOW, folder, ignore=shutil.ignore_patterns("driver.py", "__pycache__"))
    with ObjectShelf(folder / "cache") as shelf:
        shelf.max_versions = 1
    first = drivers[0].run(folder)
    assert first["ran"] == list(NODES.values())
    assert set(first["plan"].values()) == {"run"}
    assert first["again"] == []
    return folder


def check(answer: dict[str, Any], runs: str) -> None:
    """These nodes ran and no other; the plan had said so; a second run ran nothing."""
    expected = [NODES[letter] for letter in runs]
    named = {"enriching": "enrich", "reporting": "report", "extra": "tidy"}
    assert [named.get(name, name) for name in answer["ran"]] == expected, answer["reasons"]
    for name, action in answer["plan"].items():
        ran = name in answer["ran"]
        assert action in (("run", "maybe") if ran else ("reuse", "maybe")), (
            name,
            answer["reasons"],
        )
    assert answer["again"] == (["tidy"] if "always_run" in answer["reasons"]["tidy"] else [])


@pytest.mark.parametrize("case", EDITS, ids=str)
def test_an_edit_reruns_the_nodes_it_concerns_and_no_others(
    case: str, fresh: Path, drivers: list[Driver]
) -> None:
    """Done, then undone again, each in a fresh process with another hash seed."""
    edit = EDITS[case]
    file = fresh / edit.file
    before = file.read_text()
    assert before.count(edit.old) == 1
    after = before.replace(edit.old, edit.new)
    if case == "imported alias renamed":
        after = after.replace("it.accumulate", "tools.accumulate")
    try:
        file.write_text(after)
        done = drivers[1].run(fresh)
        check(done, edit.runs)
        if edit.reason:
            assert edit.reason in done["reasons"][NODES[edit.runs[0]]]
    finally:
        file.write_text(before)
        undone = drivers[0].run(fresh)
    check(undone, edit.runs if edit.undone is None else edit.undone)


def test_a_plan_names_the_state_of_a_node(fresh: Path, drivers: list[Driver]) -> None:
    """The memo that a node fills."""
    assert (
        "load: global CALLS counts as it began: the node changes it while it runs"
        in drivers[0].run(fresh)["untracked"]
    )


SCRIPT = """
from linepipe_core import Node, Pipeline

class Model:
    def __init__(self, k): self.k = k
    def predict(self, x): return self.k * x

def helper(x): return x + 1
def train(n): return Model(helper(n))
def predict(model, n): return model.predict(n)

nodes = [Node(train, ["n"], ["model"]), Node(predict, ["model", "n"], ["prediction"])]
pipeline = Pipeline(nodes, use_persistent_cache=True, cache_storage_path="cache", n=3)
result = pipeline.run(reuse=True)
print(*(f"{step.node.name} {step.status}" for step in result.steps), result["prediction"])
"""
NOTEBOOK = f"""
space = {{"__name__": "__main__"}}
import sys
import textwrap
sys.modules["__main__"].__dict__.update(space)
for cell in {SCRIPT!r}.split("\\n\\n"):
    exec(CELL(cell), sys.modules["__main__"].__dict__)
"""


@pytest.mark.parametrize("kind", ["script", "notebook"])
def test_definitions_in_main_are_reused_by_a_fresh_process(tmp_path: Path, kind: str) -> None:
    """In a script, and cell by cell by exec, where there is no source."""

    def run(old: str = "", new: str = "") -> str:
        text = SCRIPT
        if kind == "notebook":
            text = NOTEBOOK.replace(
                "CELL(cell)", f"cell.replace({old!r}, {new!r}) if {old!r} else cell"
            )
        elif old:
            text = text.replace(old, new)
        (tmp_path / "main.py").write_text(text)
        path = ":".join(entry for entry in sys.path if entry)
        return subprocess.run(
            [sys.executable, "main.py"],
            cwd=tmp_path,
            env={"PYTHONPATH": path},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()

    assert run() == "train ran predict ran 12"
    assert run() == "train reused predict reused 12"
    assert run("def helper(x): return", "def helper(x):\n    # why\n    return").endswith(
        "train reused predict reused 12"
    )
    assert run("return x + 1", "return x + 2") == "train ran predict ran 15"
    assert run("return x + 1", "return x + 3 - 1") == "train ran predict reused 15"
    assert run("self.k * x", "self.k - x").endswith("predict ran 1")


def test_an_object_whose_class_has_moved_is_made_anew(tmp_path: Path) -> None:
    """Nobody could read it, though its maker's own code is the same."""
    (tmp_path / "models.py").write_text("class Box:\n    def __init__(self, n): self.n = n\n")
    job = """
        from models import Box
        from linepipe_core import Node, Pipeline
        def make(n): return Box(n)
        def use(box, k): return box.n * k
        flow = Pipeline(
            [Node(make, ["n"], ["box"]), Node(use, ["box", "config"], ["used"])],
            K, n=2, use_persistent_cache=True,
        )
        for _ in range(2):
            plan = [entry.action for entry in flow.plan()]
            result = flow.run(reuse=True)
            print(*plan, *[step.status for step in result.steps], result["used"])
    """
    text = textwrap.dedent(job)

    def lines(text: str) -> list[str]:
        (tmp_path / "job.py").write_text(text)
        done = subprocess.run(
            [sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    again = "reuse reuse reused reused"
    assert lines(text.replace("K,", "1,")) == ["run run ran ran 2", f"{again} 2"]
    (tmp_path / "shapes.py").write_text((tmp_path / "models.py").read_text())
    (tmp_path / "models.py").unlink()
    moved = text.replace("from models", "from shapes").replace("K,", "3,")
    assert lines(moved) == ["run run ran ran 6", f"{again} 6"]
