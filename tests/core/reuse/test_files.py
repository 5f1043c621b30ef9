"""Files count by their content, wherever they lie: as inputs, in config, as outputs."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydantic
import pytest
from tests.core.reuse.chain import called, ran, reasons

from linepipe_core import File, MissingInputError, Node, Pipeline


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("1\n2\n")
    return tmp_path


def flow(nodes: list[Node], config: Any = None, **constants: Any) -> Pipeline:
    return Pipeline(
        nodes, config, use_persistent_cache=True, cache_storage_path="cache", **constants
    )


def total(rows: Any) -> int:
    return sum(map(int, Path(rows).read_text().split()))


def total_of_first(rows: list[Any]) -> int:
    return total(rows[0])


TOTAL = [Node(total, ["rows"], ["total"]), Node(abs, ["total"], ["size"], name="measure")]


class Settings(pydantic.BaseModel):
    rows: File


@pytest.mark.parametrize(
    ("node", "config", "constants"),
    [
        (TOTAL[0], None, {"rows": File("rows.csv")}),
        (Node(total_of_first, ["rows"], ["total"]), None, {"rows": [File("rows.csv"), 1]}),
        (Node(total, ["config.rows"], ["total"]), {"rows": File("rows.csv")}, {}),
        (
            Node(total, ["config.rows"], ["total"]),
            Settings.model_validate({"rows": "rows.csv"}),
            {},
        ),
        (Node(lambda c: total(c["rows"]), ["config"], ["total"]), {"rows": File("rows.csv")}, {}),
    ],
)
def test_a_file_that_a_node_reads_counts_by_its_content(
    node: Node, config: Any, constants: dict[str, Any]
) -> None:
    """As a constant, in a container, in the config; the reason names it."""
    nodes = [node, TOTAL[1]]
    assert flow(nodes, config, **constants).run(reuse=True)["size"] == 3
    os.utime("rows.csv", (1, 1))
    assert ran(flow(nodes, config, **constants).run(reuse=True)) == []
    Path("rows.csv").write_text("2\n5\n")
    changed = flow(nodes, config, **constants)
    plan = changed.plan()
    assert [entry.action for entry in plan] == ["run", "maybe"]
    (reason,) = plan[0].reasons
    assert reason == "file rows.csv changed"
    assert (reason.kind, reason.name) == ("file", "rows.csv")
    result = changed.run(reuse=True)
    assert result["size"] == 7
    assert reasons(result, node.name) == plan[0].reasons


def test_the_path_as_written_counts(folder: Path) -> None:
    """Another file with the same content is another file."""
    flow(TOTAL, rows=File("rows.csv")).run()
    Path("other.csv").write_text("1\n2\n")
    result = flow(TOTAL, rows=File("other.csv")).run(reuse=True)
    assert ran(result) == ["total"]
    assert reasons(result, "total") == (
        "input rows changed: File('rows.csv') -> File('other.csv')",
    )


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("how", ["constant", "config", "container"])
def test_a_missing_file_is_an_error_before_anything_runs(cache: bool, how: str) -> None:
    """With its name, its reader, and the way to write there."""
    first = Node(lambda: called("first"), [], ["first"])
    gone: Any = [File("gone.csv")] if how == "container" else File("gone.csv")
    name = "config.rows" if how == "config" else "rows"
    pipeline = Pipeline(
        [first, Node(str, [name], ["text"], name="show")],
        {"rows": gone},
        use_persistent_cache=cache,
        cache_storage_path="cache",
        **({} if how == "config" else {"rows": gone}),
    )
    expected = (
        f"there is no file 'gone.csv', which node 2 'show' reads as '{name}'\n"
        "  to write there, give a plain path: a str or a Path"
    )
    for start in (pipeline.run, pipeline.plan if cache else pipeline.run):
        with pytest.raises(MissingInputError) as caught:
            start()
        assert str(caught.value) == expected
        assert caught.value.names == (name,)


def export(n: int) -> File:
    called("export")
    Path("out.csv").write_text("\n".join(map(str, range(n))))
    return File("out.csv")


EXPORTED = [Node(export, ["n"], ["rows"]), *TOTAL]


@pytest.mark.parametrize("persist", [True, False])
@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_file_that_a_node_made_is_stale_once_it_changed(
    how: str, effect: bool, persist: bool
) -> None:
    """Or is gone; its maker runs, and a reader only if it makes other content, or an effect."""
    nodes = [Node(export, ["n"], ["rows"], effect=effect, persist=persist), *TOTAL]
    flow(nodes, n=4).run()
    assert ran(flow(nodes, n=4).run(reuse=True)) == []
    if how == "gone":
        os.remove("out.csv")
    else:
        Path("out.csv").write_text("100")
    plan = flow(nodes, n=4).plan()
    (reason,) = plan[0].reasons
    assert reason == "file out.csv " + ("changed" if how == "changed" else "isn't there")
    result = flow(nodes, n=4).run(reuse=True)
    assert ran(result)[:1] == ["export"]
    assert (ran(result) == ["export"]) == (not effect)
    assert result["size"] == 6
    assert ran(flow(nodes, n=4).run(reuse=True)) == []


def test_a_slice_sees_the_file_of_today(folder: Path) -> None:
    """A file on the shelf that was changed by hand counts as it is."""
    whole = flow(EXPORTED, n=4)
    whole.run()
    part = whole.only_nodes("total", "measure")
    assert ran(part.run(reuse=True)) == []
    Path("out.csv").write_text("7")
    result = part.run(reuse=True)
    assert (ran(result), result["size"]) == (["total", "measure"], 7)
    os.remove("out.csv")
    with pytest.raises(MissingInputError, match=r"no file 'out.csv', which node 1 'total' reads"):
        part.run()


def test_a_file_that_a_later_node_changes_is_never_fresh(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log says so, once a run."""

    def append(total: int) -> None:
        with open("rows.csv", "a") as file:
            file.write(f"{total}\n")

    nodes = [TOTAL[0], Node(append, ["total"], [])]
    expected = 3
    for _ in range(3):
        caplog.clear()
        result = flow(nodes, rows=File("rows.csv")).run(reuse=True, outputs=["total"])
        assert result["total"] == expected
        expected *= 2
        assert [m.partition(",")[0] for m in caplog.messages if "file" in m] == [
            "the file 'rows.csv' changed after total had read it"
        ]


def test_a_file_that_its_reader_changes_is_never_fresh(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody knows which content it read."""

    def count(rows: File) -> int:
        n = len(Path(rows).read_text().split())
        with open(rows, "a") as file:
            file.write("x\n")
        return n

    nodes = [Node(count, ["rows"], ["n"])]
    assert [flow(nodes, rows=File("rows.csv")).run(reuse=True)["n"] for _ in range(3)] == [2, 3, 4]
    assert "had begun to read it, so count is never fresh" in caplog.text


def test_a_reader_sees_a_file_that_an_earlier_node_changes(folder: Path) -> None:
    """In the same run, though it was as recorded when the run began."""

    def rewrite(n: int) -> None:
        Path("rows.csv").write_text(f"{n}\n")

    nodes = [Node(rewrite, ["n"], []), *TOTAL]
    for n in (1, 2, 2, 1):
        assert flow(nodes, n=n, rows=File("rows.csv")).run(reuse=True)["size"] == n


def test_an_edit_right_after_a_run_is_seen(folder: Path) -> None:
    """Within the clock's resolution, with the same size."""
    for text in "1234567890":
        Path("rows.csv").write_text(text)
        assert flow(TOTAL, rows=File("rows.csv")).run(reuse=True)["size"] == int(text)


def test_a_folder_counts_by_all_that_lies_in_it(folder: Path) -> None:
    """A new file in it is a change."""

    def names(parts: File) -> list[str]:
        return sorted(os.listdir(parts))

    Path("parts").mkdir()
    nodes = [Node(names, ["parts"], ["names"])]
    for n in range(3):
        Path(f"parts/{n}").write_text("x")
        assert len(flow(nodes, parts=File("parts")).run(reuse=True)["names"]) == n + 1
    assert ran(flow(nodes, parts=File("parts")).run(reuse=True)) == []
    Path("parts/deep").mkdir()
    Path("parts/deep/new").write_text("x")
    os.utime("parts/deep/new", (2e9, 2e9))
    (entry,) = flow(nodes, parts=File("parts")).plan()
    assert entry.reasons == ("file parts changed (the newest in it: deep/new)",)


def test_a_reader_of_files_is_told_apart_from_what_reads_others(folder: Path) -> None:
    """What counts already isn't listed as if it didn't."""

    def read(rows: File) -> str:
        with open(rows) as file:
            return file.read()

    node = Node(read, ["rows"], ["text"])
    assert flow([node], rows=File("rows.csv")).plan()[0].untracked == (
        "what open reads besides its Files",
    )
    assert flow([node], rows="rows.csv").plan()[0].untracked == ("what open gives",)


DATA = File("rows.csv")


def total_of_global() -> int:
    return total(DATA)


@pytest.mark.parametrize("how", ["global", "bound", "depends_on"])
def test_a_file_in_code_counts_by_its_content(how: str) -> None:
    """As a global, as a bound argument and in depends_on."""
    made: dict[str, Callable[[], Node]] = {
        "global": lambda: Node(total_of_global, [], ["total"]),
        "bound": lambda: Node(functools.partial(total, rows=DATA), [], ["total"]),
        "depends_on": lambda: Node(lambda: total("rows.csv"), [], ["total"], depends_on=[DATA]),
    }
    node = made[how]
    assert flow([node()]).run(reuse=True)["total"] == 3
    assert ran(flow([node()]).run(reuse=True)) == []
    Path("rows.csv").write_text("9")
    assert flow([node()]).run(reuse=True)["total"] == 9


@pytest.mark.slow
def test_a_file_that_did_not_change_is_not_read_again(folder: Path) -> None:
    """By another process either: its size, times and inode are in the record."""
    script = """
import os, sys
from linepipe_core import File, Node, Pipeline
def size(rows): return os.path.getsize(rows)
opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)
p = Pipeline([Node(size, ["rows"], ["size"])], use_persistent_cache=True,
             cache_storage_path="cache", rows=File("rows.csv"))
statuses = [step.status for step in p.run(reuse=True).steps]
print(*statuses, opened.count("rows.csv"))
"""
    Path("script.py").write_text(script)
    os.utime("rows.csv", (1, 1))
    printed = [in_a_fresh_process("script.py") for _ in range(3)]
    assert printed[0] == "ran 1"
    assert printed[2] == "reused 0"


def in_a_fresh_process(script: str) -> str:
    done = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True)
    return done.stdout.strip()
