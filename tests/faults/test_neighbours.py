"""Two real users on one machine: what a neighbour can lay in the way of a shelf.

As root, with a child for each user: nothing of this can be tried by one user alone.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from linepipe_core.errors import ShelfError
from linepipe_core.shelf import ObjectShelf

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be two users"
)

OWNER, NEIGHBOUR, SHARED_GROUP = 41_001, 41_002, 41_003


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can reach, as pytest's own can't be."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def forked(user: int, work: Callable[[], object]) -> tuple[int, int]:
    """Begin some work as a user. Returns the child's number, and where it tells the outcome."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([SHARED_GROUP])
            os.setgid(user)
            os.setuid(user)
            try:
                said = repr(work())
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
            os.write(writing, said.encode()[:60_000])
        finally:
            os._exit(0)
    os.close(writing)
    return pid, reading


def as_user(user: int, work: Callable[[], object]) -> str:
    """Do some work as a user. Returns the repr of what it gives, or its error."""
    pid, reading = forked(user, work)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(pid, 0)
    return said


def store(path: Path, value: object = 1) -> None:
    with ObjectShelf(path) as shelf:
        shelf["x"] = value


def read(path: Path) -> object:
    with ObjectShelf(path) as shelf:
        return shelf.get("x")


class Evil:
    """Leaves a file as the user who reads it."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, ...]:
        return _leave, (str(self.place),)


def _leave(place: str) -> str:
    Path(place, f"read-by-{os.getuid()}").write_text("")
    return "evil"


@pytest.mark.parametrize(
    ("mode", "group", "is_refused"),
    [
        (0o755, 0, False),
        (0o1777, 0, False),
        (0o777, 0, True),
        (0o775, SHARED_GROUP, True),
        (0o1775, SHARED_GROUP, False),
    ],
)
def test_where_a_shelf_may_lie(place: Path, mode: int, group: int, is_refused: bool) -> None:
    """Not where others can rename it away, be it everybody or a group with other members."""
    public = place / "public"
    public.mkdir()
    os.chown(public, 0, group)
    public.chmod(mode)
    path = public / "cache"
    path.mkdir(mode=0o700)
    os.chown(path, OWNER, OWNER)
    said = as_user(OWNER, lambda: [store(path), read(path)])  # type: ignore[func-returns-value]
    if is_refused:
        assert said.startswith("ShelfTrustError")
        assert "may change what lies in it" in said
        assert list(path.iterdir()) == []
    else:
        assert said == "[None, 1]"
        assert as_user(NEIGHBOUR, lambda: os.listdir(path)).startswith("PermissionError")
        refused = as_user(NEIGHBOUR, lambda: ObjectShelf(path))
        assert refused.startswith("ShelfPathError")
        assert "Permission denied" in refused


def test_a_parent_of_another_user_is_refused(place: Path) -> None:
    """Its owner can rename what lies in it, sticky or not."""
    theirs = place / "theirs"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o1777)
    os.chown(theirs, NEIGHBOUR, NEIGHBOUR)
    said = as_user(OWNER, lambda: store(theirs / "cache"))
    assert said.startswith("ShelfTrustError")
    assert f"user {NEIGHBOUR} owns it" in said


@pytest.mark.parametrize("log", ["-wal", "-shm", "-journal"])
def test_a_log_that_a_neighbour_laid_beside_the_index_is_refused(place: Path, log: str) -> None:
    """SQLite would play it back; it is looked at before SQLite opens anything."""
    place.chmod(0o1777)
    path = place / "cache"
    assert as_user(OWNER, lambda: store(path)) == "None"
    planted = path / f"index.sqlite{log}"
    assert as_user(NEIGHBOUR, lambda: planted.write_bytes(b"x")).startswith("PermissionError")
    planted.write_bytes(b"as if its folder had been open for a moment")
    os.chown(planted, NEIGHBOUR, NEIGHBOUR)
    said = as_user(OWNER, lambda: read(path))
    assert said.startswith("ShelfTrustError")
    assert f"user {NEIGHBOUR} owns it" in said
    assert planted.exists()


def test_a_link_in_the_shelfs_place_leads_nowhere(place: Path) -> None:
    """Neither one to the victim's own folder, nor one on the way that a neighbour made."""
    place.chmod(0o1777)
    home = place / "home"
    home.mkdir()
    (home / "thesis.docx").write_text("my work")
    for each in (home, home / "thesis.docx"):
        os.chown(each, OWNER, OWNER)
    assert as_user(NEIGHBOUR, lambda: (place / "cache").symlink_to(home)) == "None"
    assert as_user(OWNER, lambda: store(place / "cache")).startswith("ShelfPathError")
    said = as_user(OWNER, lambda: store(place / "cache" / "inner"))
    assert said.startswith("ShelfTrustError")
    assert f"a link that user {NEIGHBOUR} made" in said
    assert [file.name for file in home.iterdir()] == ["thesis.docx"]


def test_a_buffer_of_a_neighbours_counts_as_missing(place: Path) -> None:
    """It is looked at when it is opened, not only when the shelf is."""
    place.chmod(0o1777)
    path = place / "cache"
    assert as_user(OWNER, lambda: store(path, "long" * 100_000)) == "None"
    (buffer,) = (path / "buffers").iterdir()
    os.chown(buffer, NEIGHBOUR, NEIGHBOUR)
    buffer.chmod(0o644)
    assert as_user(OWNER, lambda: read(path)) == "None"
    os.chown(buffer, OWNER, OWNER)
    buffer.chmod(0o666)
    assert as_user(OWNER, lambda: read(path)) == "None"
    buffer.chmod(0o600)
    assert as_user(OWNER, lambda: read(path)).startswith("'longlong")


def test_folders_that_are_exchanged_all_the_time(place: Path) -> None:
    """Nothing of a neighbour's is ever unpickled, whichever moment it lies there at.

    The shelf's own parent is its owner's; the one above can be changed by everybody.
    """
    public = place / "public"
    public.mkdir()
    public.chmod(0o777)
    place.chmod(0o777)
    mine, theirs = public / "mine", public / "theirs"
    for folder, user in ((mine, OWNER), (theirs, NEIGHBOUR)):
        folder.mkdir(mode=0o700)
        os.chown(folder, user, user)
        value = "mine" if user == OWNER else Evil(place)
        assert as_user(user, partial(store, folder / "cache", value)) == "None"
    # What a neighbour would give, if only the names were looked at:
    theirs.chmod(0o755)

    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        pytest.skip("this C library can't exchange two folders")
    here, exchanged = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of <linux/fs.h>

    def exchange() -> None:
        while True:
            renameat2(here, os.fsencode(mine), here, os.fsencode(theirs), exchanged)
            time.sleep(0.0005)

    pid, reading = forked(NEIGHBOUR, exchange)

    def try_to_read() -> dict[str, int]:
        """Until it was often enough the one or the other, which the scheduler decides."""
        counts = {"mine": 0, "refused": 0}
        end = time.monotonic() + 60
        while min(counts.values()) < 100 and time.monotonic() < end:
            try:
                found = read(mine / "cache")
            except (ShelfError, OSError):
                counts["refused"] += 1
                continue
            if found == "mine":
                counts["mine"] += 1
        return counts

    try:
        said = as_user(OWNER, try_to_read)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reading)
    assert "'mine': 0" not in said, said
    assert "'refused': 0" not in said, said
    assert not list(place.glob("read-by-*")), "code of a neighbour's was run"
