"""Bad bytes: a warning that names the object, and it counts as missing."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.faults.blocks import Block

from linepipe_core import Node, Pipeline
from linepipe_core._store.store import Store
from linepipe_core.errors import MissingInputError, ShelfError, ShelfWriteError
from linepipe_core.shelf import ObjectShelf


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"more")


@pytest.mark.parametrize("damage", [truncate, empty, lengthen, Path.unlink])
def test_payloads_of_another_size_are_noticed_at_once(
    filled: str,
    buffers: Callable[[], list[Path]],
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
) -> None:
    """Missing, not half there; the others stay; storing it again heals it."""
    for file in buffers():
        damage(file)
    with ObjectShelf(filled) as shelf:
        assert "large" not in shelf
        assert shelf.get("large") is None
        with pytest.raises(KeyError):
            shelf["several"]
        assert all(repr(name) in caplog.text for name in ("large", "several"))
        assert "counts as missing" in caplog.text
        assert {record.levelno for record in caplog.records} == {logging.WARNING}
        assert shelf["small"] == {"a": 1}
        assert shelf.verify() == ("large", "several")
        shelf["large"] = Block(1, 3_000_000)
        assert shelf["large"].is_whole()
        assert shelf.verify() == ("several",)


def test_a_shelf_with_an_unreadable_object_is_a_mapping_of_the_others(
    filled: str, buffers: Callable[[], list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    """An object that counts as missing is counted nowhere, and hides no whole one."""
    truncate(of_size(3_000_000, buffers()))
    with ObjectShelf(filled) as shelf:
        shelf["strange"] = Strange()
        assert "large" not in shelf
        assert list(shelf) == ["several", "small", "strange"]
        assert list(shelf.keys()) == ["several", "small", "strange"]
        assert len(shelf) == 3
        assert list(dict(shelf.items())) == ["several", "small"]
        assert "'large'" in caplog.text
        assert "'strange'" in caplog.text
        assert len(list(shelf.values())) == 2
        assert {"a": 1} in shelf.values()
        assert ("small", {"a": 1}) in shelf.items()
        assert ("large", None) not in shelf.items()
        assert "nothing" not in shelf.values()
        assert [info.name for info in shelf.info() if not info.is_whole] == ["large"]
        assert shelf.popitem()[0] == "several"
        assert shelf.popitem() == ("small", {"a": 1})
        with pytest.raises(KeyError, match="nothing on the shelf"):
            shelf.popitem()
        assert "strange" in shelf, "only what was handed out is taken off"
        del shelf["large"]
        assert [info.name for info in shelf.info()] == ["strange"]


class Strange:
    """It pickles, and can't be read back."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("no number",)


def test_a_missing_object_is_missing_from_the_registry_too(
    filled: str, buffers: Callable[[], list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    """Its names and its placement agree with what it can give; what a run needs is warned of."""
    truncate(of_size(3_000_000, buffers()))
    pipeline = Pipeline(
        [Node(count_good, ["large"], ["count"])],
        use_persistent_cache=True,
        cache_storage_path=filled,
    )
    with pipeline.get_obj_registry() as registry:
        assert sorted(registry.keys()) == ["several", "small"]
        assert sorted(registry.placement) == ["several", "small"]
        assert not registry.has("large")
    caplog.clear()
    with pytest.raises(MissingInputError, match="large"):
        pipeline.run()
    assert "object 'large' on the shelf" in caplog.text
    assert "counts as missing" in caplog.text


def flip(file: Path) -> None:
    """Change one bit, and nothing that a look at the folder would show."""
    content = bytearray(file.read_bytes())
    content[77_777] ^= 4
    file.write_bytes(content)


def of_size(n_bytes: int, files: list[Path]) -> Path:
    """The one file of that size."""
    (file,) = [file for file in files if file.stat().st_size == n_bytes]
    return file


def test_flipped_bits_in_a_payload_are_found_by_verify(
    filled: str, buffers: Callable[[], list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    """Each read would cost the mapping; what somebody asks for then counts as missing."""
    file = of_size(100_000, buffers())
    flip(file)
    with ObjectShelf(filled) as shelf:
        assert "several" in shelf
        assert shelf.verify() == ("several",)
        assert not file.exists()
        assert "several" not in shelf
        assert shelf.get("several") is None
        assert shelf["large"].is_whole()
        assert shelf.verify() == ("several",), "still missing"
    assert "object 'several' on the shelf" in caplog.text
    assert "isn't what was written: it counts as missing, run again what makes it" in caplog.text


def test_damage_that_verify_found_is_mended_by_the_next_store(
    filled: str, buffers: Callable[[], list[Path]]
) -> None:
    """Otherwise it would take the damaged file, which has the right name and size, for its own."""
    flip(of_size(3_000_000, buffers()))
    with ObjectShelf(filled) as shelf:
        held = shelf["large"]
        assert shelf.verify() == ("large",)
        shelf["large"] = Block(1, 3_000_000)
        assert shelf["large"].is_whole()
        assert shelf.verify() == ()
        assert not held.is_whole(), "a map stays what it was"
    assert len(buffers()) == 3


def test_all_that_share_a_damaged_buffer_are_named_and_mended_together(
    filled: str, buffers: Callable[[], list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    """Each of them once; one store of any of them is enough."""
    with ObjectShelf(filled) as shelf:
        shelf["again"] = {"x": Block(1, 3_000_000), "y": [Block(2, 2_000_000)]}
        shelf["copy"] = Block(1, 3_000_000)
        flip(of_size(3_000_000, buffers()))
        assert shelf.verify() == ("again", "copy", "large")
        warned = [record.args[0] for record in caplog.records if isinstance(record.args, tuple)]
        assert sorted(map(str, warned)) == ["again", "copy", "large"]
        shelf["copy"] = Block(1, 3_000_000)
        assert shelf.verify() == ()
        assert shelf["large"].is_whole()


def test_a_damaged_buffer_of_the_history_alone_goes_too(
    path: str, buffers: Callable[[], list[Path]]
) -> None:
    """It has no name to return, but the next object of that content would get it."""
    with ObjectShelf(path) as shelf:
        with Store(path) as store, store.draft({"block": Block(1, 3_000_000)}) as draft:
            store.keep(draft, store.begin_run())
        flip(of_size(3_000_000, buffers()))
        assert shelf.verify() == ()
        assert buffers() == []
        shelf["block"] = Block(1, 3_000_000)
        assert shelf["block"].is_whole()


def test_damaged_bytes_that_were_read_are_never_stored_as_whole(
    filled: str, buffers: Callable[[], list[Path]]
) -> None:
    """A map that nobody wrote to needs no hash, unless its file is gone."""
    flip(of_size(3_000_000, buffers()))
    with ObjectShelf(filled) as shelf:
        held = shelf["large"]
        shelf.verify()
        said = ""
        try:
            shelf["copy"] = held
        except ShelfWriteError as error:
            said = str(error)
        # Where the system doesn't tell whether a map was written to, it is hashed and stored.
        assert "a file that it was read from is damaged" in said or not shelf["copy"].is_whole()
        shelf["large"] = Block(1, 3_000_000)
        assert shelf["large"].is_whole()
        assert shelf.verify() == ()


def make_block() -> Block:
    return Block(1, 3_000_000)


def count_good(block: Block) -> int:
    return bytes(block.data).count(1)


@pytest.mark.parametrize("how", [{}, {"reuse": True}, {"reuse": True, "rerun": ["make_block"]}])
def test_a_pipeline_that_runs_again_mends_damage(
    path: str, buffers: Callable[[], list[Path]], how: dict[str, Any]
) -> None:
    """However it runs again."""
    pipeline = Pipeline(
        [Node(make_block, [], ["block"]), Node(count_good, ["block"], ["count"])],
        use_persistent_cache=True,
        cache_storage_path=path,
    )
    pipeline.run()
    flip(of_size(3_000_000, buffers()))
    with ObjectShelf(path) as shelf:
        assert shelf.verify() == ("block",)
    result = pipeline.run(**how)
    assert result.steps[0].status == "ran"
    assert result["count"] == 3_000_000
    with ObjectShelf(path) as shelf:
        assert shelf.verify() == ()
        assert shelf["block"].is_whole()


def make_texts() -> list[str]:
    return [str(i) for i in range(10)]


def count_texts(texts: list[str], start: int) -> int:
    return sum(map(int, texts), start)


def test_a_damaged_small_pickle_is_mended_by_running_again_too(path: str) -> None:
    """It lies in the index, where a store replaces it, if only its maker is asked to run."""

    def pipeline(start: int) -> Pipeline:
        nodes = [
            Node(make_texts, [], ["texts"]),
            Node(count_texts, ["texts", "start"], ["count"]),
        ]
        return Pipeline(nodes, start=start, use_persistent_cache=True, cache_storage_path=path)

    pipeline(0).run()
    spoil_small_pickles(path)
    with ObjectShelf(path) as shelf:
        assert shelf.verify() == ("texts",)
        assert "texts" not in shelf
        assert list(shelf) == ["count"]
        assert len(shelf) == 1
        with Store(path) as store:
            assert store.current(["texts", "count"]).keys() == {"count"}
        assert shelf.verify() == ("texts",), "still missing"
    assert [entry.action for entry in pipeline(5).plan()] == ["run", "run"]
    result = pipeline(5).run(reuse=True)
    assert result["count"] == 50
    with ObjectShelf(path) as shelf:
        assert shelf["texts"] == make_texts()
        assert shelf.verify() == ()


@pytest.mark.parametrize("why", ["locked", "read-only"])
def test_verify_on_a_read_only_shelf_only_reports(
    filled: str,
    buffers: Callable[[], list[Path]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    """Without the lock a writer may have just replaced what looked damaged."""
    file = of_size(3_000_000, buffers())
    orphan = file.with_name("f" * 64)
    flip(file)
    other = sqlite3.connect(filled + "/index.sqlite", isolation_level=None)
    if why == "locked":
        clock = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: clock() * 1_000)
        other.execute("BEGIN IMMEDIATE")
    else:
        orphan.write_bytes(b"a writer has placed it, and is about to commit")
        staging = Path(filled, "staging", "1-other")
        staging.mkdir()
        (staging / f"{orphan.name}.0").write_bytes(b"")
        connect = sqlite3.connect

        def read_only(path: str, **how: Any) -> Any:
            return connect(path.replace("mode=rw", "mode=ro"), **how)

        monkeypatch.setattr(sqlite3, "connect", read_only)
    with ObjectShelf(filled) as shelf:
        assert shelf.verify() == ("large",)
        assert file.exists()
        assert orphan.exists() == (why == "read-only")
    assert "isn't what was written: it stays, for the shelf at" in caplog.text
    assert "run again" not in caplog.text
    other.close()
    monkeypatch.undo()
    with ObjectShelf(filled) as shelf:
        assert shelf.verify() == ("large",)
        assert not file.exists()
        assert not orphan.exists()


def test_what_cannot_be_read_now_is_reported_and_stays(
    filled: str,
    buffers: Callable[[], list[Path]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be whole: too many files are open, or a right was taken away for a while."""
    file = of_size(3_000_000, buffers())
    real_open = os.open

    def refuse(path: Any, *args: Any, **how: Any) -> int:
        if str(path).endswith(file.name):
            raise OSError(errno.EMFILE, "too many open files", path)
        return real_open(path, *args, **how)

    with ObjectShelf(filled) as shelf:
        monkeypatch.setattr(os, "open", refuse)
        assert shelf.verify() == ("large",)
        assert f"can't be read or removed here, then run again what makes it: {file}" in caplog.text
        monkeypatch.undo()
        assert shelf.verify() == ()
        assert shelf["large"].is_whole()


def spoil_small_pickles(path: str) -> None:
    """Turn each 7 in a pickle that lies in the index into an 8."""
    with sqlite3.connect(path + "/index.sqlite") as connection:
        connection.execute(
            "UPDATE objects SET stream = CAST(REPLACE(stream, X'37', X'38') AS BLOB)"
        )
    connection.close()


@pytest.mark.parametrize("large", [False, True])
def test_a_pickle_with_flipped_bits_is_never_unpickled(
    path: str, caplog: pytest.LogCaptureFixture, large: bool
) -> None:
    """It might run anything. It is read whole anyway, so checking it costs little."""
    value = [str(i) for i in range(50_000 if large else 10)]
    with ObjectShelf(path) as shelf:
        shelf["list"] = value
        shelf["other"] = 1
    if large:
        (file,) = Path(path, "buffers").iterdir()
        content = file.read_bytes()
        file.write_bytes(content.replace(b"49999", b"59999"))
    else:
        spoil_small_pickles(path)
    with ObjectShelf(path) as shelf:
        assert shelf.get("list", "gone") == "gone"
        assert "object 'list'" in caplog.text
        assert "isn't what was written" in caplog.text
        assert shelf.verify() == ("list",)
        assert shelf["other"] == 1


@pytest.mark.parametrize("damaged", ["REPLACE(buffers, ':', ';')", "REPLACE(buffers, '0', '1')"])
def test_a_row_that_names_wrong_buffers_is_found_and_mended(
    filled: str, buffers: Callable[[], list[Path]], caplog: pytest.LogCaptureFixture, damaged: str
) -> None:
    """It lies in the index with the pickle, and is checked with it."""
    values = [str(i) for i in range(50_000)]  # a large pickle: it is a buffer itself
    with ObjectShelf(filled) as shelf:
        shelf["texts"] = values
    with sqlite3.connect(filled + "/index.sqlite") as connection:
        connection.execute(f"UPDATE objects SET buffers = {damaged}")
    connection.close()
    with ObjectShelf(filled) as shelf:
        assert [shelf.get(name) for name in ("large", "several", "texts")] == [None] * 3
        assert "object 'texts'" in caplog.text
        assert shelf.verify() == ("large", "several", "texts")
        assert dict(shelf.items()) == {"small": {"a": 1}}
        assert list(shelf) == ["small"]
        assert buffers() == []
        shelf.update({"large": Block(1, 3_000_000), "texts": values})
        assert shelf["large"].is_whole()
        assert shelf["texts"] == values
        del shelf["several"]
        assert shelf.verify() == ()


def pages(path: str) -> int:
    return os.path.getsize(path + "/index.sqlite") // 4096


@pytest.mark.parametrize("page", range(1, 24))
def test_an_index_with_a_zeroed_page_raises_nothing_unrelated(
    path: str, page: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is asked of it, the answer is right, missing with a warning, or a ShelfError."""
    values: dict[str, Any] = {f"name{i}": [i] * 1000 for i in range(20)}
    with ObjectShelf(path) as shelf:
        shelf.update(values)
    assert pages(path) > 23
    with open(path + "/index.sqlite", "r+b") as file:
        file.seek(page * 4096)
        file.write(bytes(4096))
    asked: list[Callable[[ObjectShelf], object]] = [
        *(lambda shelf, name=name: shelf.get(name) in (None, values[name]) for name in values),
        list, len, ObjectShelf.info, ObjectShelf.verify,
        lambda shelf: shelf.update({"new": 1}),
        lambda shelf: shelf.prune(max_bytes=0),
        ObjectShelf.clear,
    ]  # fmt: skip
    said = []
    with suppress(ShelfError), ObjectShelf(path) as shelf:
        for ask in asked:
            try:
                assert ask(shelf) is not False
            except ShelfError as error:
                said.append(str(error))
    assert all(path in text and "to start anew" in text for text in said)


def test_an_index_with_its_first_page_zeroed_is_refused_and_stays(filled: str) -> None:
    """Nothing in it can be found any more."""
    index = Path(filled, "index.sqlite")
    with index.open("r+b") as file:
        file.write(bytes(4096))
    before = index.read_bytes()
    with pytest.raises(ShelfError, match="is damaged"):
        ObjectShelf(filled)
    assert index.read_bytes() == before


def test_a_shelf_whose_buffers_folder_is_gone_keeps_its_small_objects(
    filled: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The large ones are missing, and can be stored again."""
    import shutil

    shutil.rmtree(filled + "/buffers")
    with ObjectShelf(filled) as shelf:
        assert shelf["small"] == {"a": 1}
        assert shelf.get("large") is None
        assert "'large'" in caplog.text
        shelf["large"] = Block(1, 3_000_000)
        assert shelf["large"].is_whole()
