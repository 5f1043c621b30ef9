"""Records of earlier runs as stored text: inputs, outputs and code of each node.

Pure. The store keeps the texts and knows nothing of their meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from linepipe_core._code.parts import Part, PartKey, combined, digest_of
from linepipe_core._declare.node import Node
from linepipe_core._declare.wiring import Wiring
from linepipe_core._values.file import FileContent

__all__ = ["Record", "StoredObject", "record_keys", "wiring_of"]

_FORMAT: Final = 4


class StoredObject(NamedTuple):
    """An object on the shelf, as far as it is known without loading it.

    Attributes:
        digest: of its bytes there.
        content: of its content; the same, unless its bytes depend on the order of a set.
        code: the own classes and functions in it, which its readers may call.
        files: the paths of the Files in it.
    """

    digest: str
    content: str
    code: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def text(self) -> str | None:
        """The stored text; None if the digest says it all."""
        if self.content == self.digest and not self.code and not self.files:
            return None
        return json.dumps(list(self))

    @staticmethod
    def read(digest: str, text: str | None) -> StoredObject:
        """The object of that digest, with what the stored text adds."""
        if text is not None:
            known, content, code, files = json.loads(text)
            if known == digest:
                return StoredObject(digest, content, tuple(code), tuple(files))
        return StoredObject(digest, digest)

    def part(self, today: Mapping[str, str]) -> Part:
        """What it counts as for its readers: its content, and that of its Files.

        Args:
            today: path -> the hash of its content.
        """
        if not self.files:
            return Part(self.content)
        files = (f"{path} {today.get(path, '')}" for path in self.files)
        return Part(digest_of("with files", self.content, *files))


class Record(NamedTuple):
    """The record of a node's last run, kept beside its outputs.

    Attributes:
        wiring: which object went to which parameter.
        parts: what its code depended on.
        inputs: name -> what it read.
        outputs: name -> the digest of what it made; None for what couldn't be kept.
        state: the parts that it changed itself and that differ in each process anyway, which
            are left out.
        stamp: what tells this run's outputs from another's where they couldn't be kept and the
            node was told to run in any case.
        began: the other parts that it changed itself: ``parts`` holds what they were before runs
            changed them.
        read_files: path -> the content of each File in its inputs.
        made_files: path -> the content of each File in its outputs.
    """

    wiring: str
    parts: Mapping[PartKey, Part]
    inputs: Mapping[str, Part]
    outputs: Mapping[str, str | None]
    state: Sequence[PartKey]
    stamp: str = ""
    began: Sequence[PartKey] = ()
    read_files: Mapping[str, FileContent] = {}
    made_files: Mapping[str, FileContent] = {}

    def text(self) -> str:
        """The record as it is stored."""
        parts = [[*key, *part] for key, part in self.parts.items()]
        stored = [_FORMAT, *self._replace(parts={})]
        stored[2] = parts
        return json.dumps(stored, ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def read(text: str | None) -> Record | None:
        """The record of a stored text; None if there is none, or it is of another format."""
        if text is None:
            return None
        try:
            version, *stored = json.loads(text)
        except (ValueError, TypeError):
            return None
        if version != _FORMAT:
            return None
        wiring, parts, inputs, outputs, state, stamp, began, *files = stored
        return Record(
            wiring,
            {PartKey(*part[:3]): Part(*part[3:]) for part in parts},
            {name: Part(*part) for name, part in inputs.items()},
            outputs,
            [PartKey(*key) for key in state],
            stamp,
            tuple(PartKey(*key) for key in began),
            *({path: FileContent(*each) for path, each in found.items()} for found in files),
        )

    @property
    def made(self) -> str:
        """A hash of how its outputs were made, for those that have no content to hash."""
        inputs = {PartKey("input", name): part for name, part in self.inputs.items()}
        files = {PartKey("file", path): Part(each.digest) for path, each in self.made_files.items()}
        return combined({**self.parts, **inputs, **files, PartKey("stamp"): Part(self.stamp)})


def record_keys(wiring: Wiring) -> list[str]:
    """The key of each node's record: its outputs, or for a writer its inputs.

    Not its name, so that a renamed node stays fresh.
    """
    keys: list[str] = []
    n_alike: dict[str, int] = {}
    for node in wiring.nodes:
        if node.outputs:
            keys.append("made " + json.dumps(node.outputs))
            continue
        key = f"written from {json.dumps(node.inputs)}"
        n_alike[key] = n_alike.get(key, 0) + 1
        keys.append(f"{key} {n_alike[key]}")
    return keys


def wiring_of(node: Node) -> str:
    """The object that goes to each parameter, as text."""
    if node.keywords is None:
        return ", ".join(node.inputs)
    pairs = zip(node.keywords, node.inputs, strict=True)
    return ", ".join(sorted(f"{param}={name}" for param, name in pairs))
