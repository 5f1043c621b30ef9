"""Writes down what a store changes, and puts together each disk that a power cut may leave.

As a script, `LD_PRELOAD=recorded.so python cutting.py <folder> <scenario>` makes a shelf in the
folder and writes down what a few stores change: `base`, a copy of what was there when they began
(synced), `inodes`, which file was which, and `changes`.

As a module it reads that. A cut at some change leaves what was synced before it, and of the rest
any part: a disk writes pages when it likes. What is written to a file is synced with the file, and
a name with its folder: that is all that POSIX says. Most filesystems keep to more.
"""

from __future__ import annotations

import copy
import ctypes
import json
import os
import random
import shutil
import sys
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path

from linepipe_core.shelf import ObjectShelf

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from blocks import Block  # type: ignore[import-not-found]  # beside this script

# What a record may be, apart from a sync and from what the scenario says.
CHANGES = ("write", "truncate", "create", "mkdir", "remove", "link", "rename")


# --- to be recorded ---------------------------------------------------------------------


class Recorder:
    """Says in the record what a shelf must have from now on."""

    def __init__(self, log: int) -> None:
        self.log = log

    def mark(self, what: str, generation: int) -> None:
        os.write(self.log, f"{what} 0 0 {generation} 0 - 0 -\n".encode())


def replaced(shelf: ObjectShelf, recorder: Recorder) -> None:
    """Two stores, each of which drops what was there."""
    put(shelf, recorder, 2)
    put(shelf, recorder, 3)


def reopened(shelf: ObjectShelf, recorder: Recorder) -> None:
    """The log is a new file."""
    path = shelf.path
    with ObjectShelf(path) as again:
        put(again, recorder, 2)


def checkpointed(shelf: ObjectShelf, recorder: Recorder) -> None:
    """The log is brought into the index, and begins anew, over what it held."""
    for generation in range(2, 11):
        put(shelf, recorder, generation)
        if generation in (5, 8):
            shelf.sync()
            recorder.mark("synced", generation)


def put(shelf: ObjectShelf, recorder: Recorder, generation: int) -> None:
    recorder.mark("begun", generation)
    shelf["model"] = Block(generation, 70_000)


SCENARIOS = {each.__name__: each for each in (replaced, reopened, checkpointed)}


def main(folder: str, scenario: str) -> None:
    """Record what a scenario changes."""
    library = ctypes.CDLL(None)
    path = os.path.join(folder, "shelf")
    with ObjectShelf(path) as shelf:
        shelf["model"] = Block(1, 70_000)
        shelf.sync()
        if scenario == "reopened":
            shelf.close()
        shutil.copytree(path, os.path.join(folder, "base"))
        inodes = {
            os.path.relpath(each, path): os.stat(each).st_ino for each in [path, *found_in(path)]
        }
        Path(folder, "inodes").write_text(json.dumps(inodes))
        log = os.open(os.path.join(folder, "changes"), os.O_CREAT | os.O_WRONLY, 0o600)
        library.record_into(log)
        SCENARIOS[scenario](shelf, Recorder(log))
        library.record_into(-1)


def found_in(path: str) -> list[str]:
    """All files and folders below a folder."""
    return [
        os.path.join(top, name) for top, *below in os.walk(path) for part in below for name in part
    ]


# --- put together -----------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One record. Files and folders have numbers of their own: inodes are used again.

    Attributes:
        synced: the number of the first change by which this one is on the disk for certain.
    """

    what: str
    folder: int
    file: int
    at: int
    name: str
    to_folder: int
    to_name: str
    content: bytes
    synced: int = sys.maxsize


@dataclass
class Disk:
    """Files and folders by their numbers."""

    names: dict[int, dict[str, int]]
    contents: dict[int, bytearray]

    def apply(self, change: Change) -> None:
        file, at = self.contents.setdefault(change.file, bytearray()), change.at
        if change.what == "write":
            file.extend(bytes(max(0, at - len(file))))
            file[at : at + len(change.content)] = change.content
        elif change.what == "truncate":
            file.extend(bytes(max(0, at - len(file))))
            del file[at:]
        elif change.what == "mkdir":
            self.names.setdefault(change.file, {})
            self.names.setdefault(change.folder, {})[change.name] = change.file
        elif change.what == "create":
            self.names.setdefault(change.folder, {})[change.name] = change.file
        elif change.what == "remove":
            self.names.get(change.folder, {}).pop(change.name, None)
        elif change.what in ("link", "rename"):
            if change.what == "rename":
                self.names.get(change.folder, {}).pop(change.name, None)
            self.names.setdefault(change.to_folder, {})[change.to_name] = change.file

    def write(self, to: Path, number: int = 0) -> None:
        """Write it below a folder."""
        to.mkdir(0o700)
        for name, file in self.names.get(number, {}).items():
            if file in self.names:
                self.write(to / name, file)
            elif not name.endswith("-shm"):
                to.joinpath(name).write_bytes(self.contents.get(file, b""))
                to.joinpath(name).chmod(0o600)


class Recording:
    """The disk as it was, and all that was changed since."""

    def __init__(self, folder: Path) -> None:
        self._numbers: dict[int, int] = {}
        self._n_files = 0
        self.base = self._base(folder)
        self.changes = _synced([*self._read(folder / "changes")])

    def _number(self, inode: int, *, is_new: bool = False) -> int:
        """The number of a file or folder; the shelf's is 0."""
        if is_new or inode not in self._numbers:
            self._numbers[inode] = self._n_files
            self._n_files += 1
        return self._numbers[inode]

    def _base(self, folder: Path) -> Disk:
        disk = Disk({}, {})
        inodes = json.loads((folder / "inodes").read_text())
        for path in sorted(inodes, key=Path):  # folders before what lies in them
            number, at = self._number(inodes[path]), folder / "base" / path
            if at.is_dir():
                disk.names[number] = {}
            elif at.exists():
                disk.contents[number] = bytearray(at.read_bytes())
            if path != ".":
                disk.names[self._number(inodes[os.path.dirname(path) or "."])][at.name] = number
        return disk

    def _read(self, log: Path) -> Iterator[Change]:
        with log.open("rb") as file:
            while line := file.readline():
                what, folder, inode, at, n, name, to_folder, to_name = line.decode().split()
                content = file.read(int(n)) if what == "write" else b""
                yield Change(
                    what,
                    self._number(int(folder)),
                    self._number(int(inode), is_new=what in ("create", "mkdir")),
                    int(at),
                    name,
                    self._number(int(to_folder)),
                    to_name,
                    content,
                )

    def disk(self, cut: int, kept: Set[int]) -> Disk:
        """The disk that has what was synced before a cut, and those of the other changes."""
        disk = copy.deepcopy(self.base)
        for number, change in enumerate(self.changes[:cut]):
            if change.synced < cut or number in kept:
                disk.apply(change)
        return disk

    def cuts(self, every: int) -> Iterator[tuple[int, Set[int]]]:
        """Each moment of a cut, with the changes that came onto the disk although not synced.

        All, none, all but one, one alone, those up to one (as on a disk that keeps their order),
        and some at random.

        Args:
            every: of all these, one of so many.
        """
        chance = random.Random(5)
        n_found = 0
        for cut in range(len(self.changes) + 1):
            open_ = [at for at, change in enumerate(self.changes[:cut]) if change.synced >= cut]
            open_ = [at for at in open_ if self.changes[at].what in CHANGES]
            kept: list[Set[int]] = [set(open_), set()]
            for at in open_ if len(open_) <= 12 else chance.sample(open_, 8):
                kept += [set(open_) - {at}, {at}, {each for each in open_ if each < at}]
            kept += [{at for at in open_ if chance.random() < 0.5} for _ in range(3)]
            for each in kept:
                n_found += 1
                if n_found % every == 0:
                    yield cut, each

    def allowed(self, cut: int) -> range:
        """The generations that may be there after a cut."""
        said = {"synced": 1, "begun": 1}
        said |= {each.what: each.at for each in self.changes[:cut] if each.what in said}
        return range(said["synced"], said["begun"] + 1)


def _synced(changes: list[Change]) -> list[Change]:
    """With the number of the sync that each waits for: of its file, or of its name's folder."""
    found: list[Change] = []
    syncs: dict[int, int] = {}
    for number, change in reversed([*enumerate(changes)]):
        if change.what == "sync":
            syncs[change.file] = number
        awaited = change.file if change.what in ("write", "truncate") else change.folder
        others = change.to_folder if change.what in ("link", "rename") else awaited
        synced = max(syncs.get(each, sys.maxsize) for each in (awaited, others))
        if change.what == "link":  # the name that is new
            synced = syncs.get(change.to_folder, sys.maxsize)
        found.append(replace(change, synced=synced))
    return found[::-1]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
