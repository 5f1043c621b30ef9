"""Bad bytes: a warning that names the object, and it counts as missing."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.faults.blocks import Block

from linepipe_core.errors import ShelfError
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


def test_flipped_bits_in_a_payload_are_found_by_verify(
    filled: str, buffers: Callable[[], list[Path]]
) -> None:
    """Each read would cost the mapping; the names are told when somebody asks."""
    (file,) = [file for file in buffers() if file.stat().st_size == 100_000]
    content = bytearray(file.read_bytes())
    content[77_777] ^= 4
    file.write_bytes(content)
    with ObjectShelf(filled) as shelf:
        assert shelf.verify() == ("several",)
        assert shelf["large"].is_whole()
        del shelf["several"]
        shelf["several"] = [Block(3, 100_000)]
        assert shelf.verify() == ()


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
        (file,) = [f for f in Path(path + ".buffers").iterdir() if f.name != ".gitignore"]
        content = file.read_bytes()
        file.write_bytes(content.replace(b"49999", b"59999"))
    else:
        with sqlite3.connect(path) as connection:
            connection.execute(
                "UPDATE objects SET stream = CAST(REPLACE(stream, X'37', X'38') AS BLOB)"
            )
        connection.close()
    with ObjectShelf(path) as shelf:
        assert shelf.get("list", "gone") == "gone"
        assert "object 'list'" in caplog.text
        assert "isn't what was written" in caplog.text
        assert shelf.verify() == ("list",)
        assert shelf["other"] == 1


def pages(path: str) -> int:
    return os.path.getsize(path) // 4096


@pytest.mark.parametrize("page", range(1, 24))
def test_an_index_with_a_zeroed_page_raises_nothing_unrelated(
    path: str, page: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is asked of it, the answer is right, missing with a warning, or a ShelfError."""
    values: dict[str, Any] = {f"name{i}": [i] * 1000 for i in range(20)}
    with ObjectShelf(path) as shelf:
        shelf.update(values)
    assert pages(path) > 23
    with open(path, "r+b") as file:
        file.seek(page * 4096)
        file.write(bytes(4096))
    asked: list[Callable[[ObjectShelf], object]] = [
        *(lambda shelf, name=name: shelf.get(name) in (None, values[name]) for name in values),
        list, len, ObjectShelf.info, ObjectShelf.verify, ObjectShelf.records,
        lambda shelf: shelf.store({"new": 1}),
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
    """It can't be told from a foreign file."""
    with open(filled, "r+b") as file:
        file.write(bytes(4096))
    before = Path(filled).read_bytes()
    with pytest.raises(ShelfError, match="stays as it is"):
        ObjectShelf(filled)
    assert Path(filled).read_bytes() == before


def test_a_shelf_whose_buffers_folder_is_gone_keeps_its_small_objects(
    filled: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The large ones are missing, and can be stored again."""
    import shutil

    shutil.rmtree(filled + ".buffers")
    with ObjectShelf(filled) as shelf:
        assert shelf["small"] == {"a": 1}
        assert shelf.get("large") is None
        assert "'large'" in caplog.text
        shelf["large"] = Block(1, 3_000_000)
        assert shelf["large"].is_whole()
