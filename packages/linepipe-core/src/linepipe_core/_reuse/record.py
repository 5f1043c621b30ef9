"""Records of earlier runs as stored text: inputs, outputs and code of each node.

Pure. The store keeps the texts and knows nothing of their meaning.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, Final, NamedTuple

from linepipe_core._code.parts import Part, PartKey, combined, digest_of
from linepipe_core._declare.node import Node
from linepipe_core._values.file_content import FileContent

__all__ = [
    "Record",
    "StoredObject",
    "Version",
    "hash_of_read",
    "record_keys",
    "runs_alike",
    "wiring_of",
]

_FORMAT: Final = 12
_DECODER: Final = json.JSONDecoder()
_SHORT: Final = 4_000  # characters of a record that is kept in memory: a few MB in all
_NO_FIELDS: Final[Sequence[Any]] = ("", "", (), (), "", ())  # of an object
_PLAIN: Final = f"[{_FORMAT},1,"


class StoredObject(NamedTuple):
    """An object on the shelf, as far as it is known without loading it.

    Attributes:
        digest: of its bytes there.
        content: the digest of the bytes by which its content was first recorded, or a hash of it.
        code: the own classes and functions in it, which its readers may call.
        files: the paths of the Files in it.
        hashed: the hash of its content, where that was needed.
        earlier: the hashes of what its maker made before, where they were needed, each with the
            content by which that was recorded.
    """

    digest: str
    content: str
    code: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    hashed: str = ""
    earlier: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(stored: Sequence[Any], output: str) -> StoredObject:
        """The object from a record that was read.

        Args:
            stored: its fields as `fields` gives them, without the empty ones at the end.
            output: the digest that the record has of the node's output.
        """
        if not stored:  # most are so
            return StoredObject(output, output)
        digest, content, code, files, hashed, earlier = (*stored, *_NO_FIELDS[len(stored) :])
        digest = digest or output
        pairs = tuple((each, met) for each, met in earlier)
        return StoredObject(digest, content or digest, tuple(code), tuple(files), hashed, pairs)

    def fields(self, output: str | None) -> Sequence[Any]:
        """Its fields as a record keeps them; ``""`` for what the field before says, too."""
        digest = "" if self.digest == output else self.digest
        content = "" if self.content == self.digest else self.content
        return digest, content, *self[2:]

    def part(self, today: Mapping[str, str]) -> Part:
        """Its digest for its readers: that of its content and of its Files.

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
        state: the parts that it was seen to change while it ran, or that were first met then.
        stamp: what tells this run's outputs from another's where they couldn't be kept and the
            node was told to run in any case.
        uses: the distributions and standard modules that it used.
        left: of the parts of ``state``, how the run left them in its process.
        notes: what was seen while it ran and no fingerprint tells, each a phrase.
        read_files: path -> the content of each File in its inputs.
        made_files: path -> the content of each File in its outputs.
        objects: name -> each output that is on the shelf.
        bound: a hash of the arguments that are bound to a writer's function.
        n_same: how many runs in a row have made the same as the one before; None if it is the
            first.
        seconds: how long its function took.
        persists: False if its outputs weren't to be kept.
    """

    wiring: str
    parts: Mapping[PartKey, Part]
    inputs: Mapping[str, Part]
    outputs: Mapping[str, str | None]
    state: Sequence[PartKey]
    stamp: str = ""
    uses: Sequence[str] = ()
    notes: Sequence[str] = ()
    left: Mapping[PartKey, str] = {}
    read_files: Mapping[str, FileContent] = {}
    made_files: Mapping[str, FileContent] = {}
    objects: Mapping[str, StoredObject] = {}
    bound: str = ""
    n_same: int | None = None
    seconds: float | None = None
    persists: bool = True

    def text(self) -> str:
        """The record as it is stored: a line of its own for the parts, which many records share."""
        fields = self._asdict()
        fields["left"] = [[*key, text] for key, text in self.left.items()]
        fields["inputs"] = {name: _trimmed(part) for name, part in self.inputs.items()}
        fields["objects"] = {
            name: _trimmed(each.fields(self.outputs.get(name)))
            for name, each in self.objects.items()
        }
        del fields["parts"]
        fields = {name: value for name, value in fields.items() if not _is_default(value)}
        parts = [[*key, *part] for key, part in self.parts.items()]
        return f"{_dumped([_FORMAT, int(self._is_plain()), fields])}\n{_dumped(parts)}"

    def _is_plain(self) -> bool:
        """Return True if it holds no state, and its objects no code and no Files."""
        told = self.state, self.left, self.read_files, self.made_files
        return not any(told) and not any(each.code or each.files for each in self.objects.values())

    @staticmethod
    def says_plain(text: str | None) -> bool:
        """Return True if a stored text is that of a record without state, code in objects or Files.

        Most are so, and needn't be read before a decision asks for them.
        """
        return text is not None and text.startswith(_PLAIN)

    @staticmethod
    def read(text: str | None) -> Record | None:
        """The record of a stored text; None if there is none, or it is of another format."""
        if text is None:
            return None
        return _record(text) if len(text) > _SHORT else _short_record(text)

    @property
    def made(self) -> str:
        """A hash of how its outputs were made, for those that have no content to hash."""
        inputs = {PartKey("input", name): part for name, part in self.inputs.items()}
        files = {PartKey("file", path): Part(each.digest) for path, each in self.made_files.items()}
        return combined({**self.parts, **inputs, **files, PartKey("stamp"): Part(self.stamp)})


def _record(text: str) -> Record | None:
    """The record of a stored text; None if it is of another format."""
    try:
        (version, *stored), end = _DECODER.raw_decode(text)
    except (ValueError, TypeError):
        return None
    if version != _FORMAT:
        return None
    _, fields = stored
    take = fields.pop
    inputs, objects = take("inputs", {}), take("objects", {})
    wiring, outputs, state = take("wiring", ""), take("outputs", {}), take("state", ())
    for name, each in fields.items():
        if name in _READ:
            fields[name] = _READ[name](each)
    return Record(
        wiring,
        _parts(text[end + 1 :]),
        {name: Part(*each) for name, each in inputs.items()},
        outputs,
        [PartKey(*key) for key in state],
        objects={n: StoredObject.of(each, outputs.get(n) or "") for n, each in objects.items()},
        **fields,
    )


# A plan and the run that follows read the same records, and so do the runs of a notebook.
_short_record = lru_cache(maxsize=2048)(_record)

# Of what few records have: how it is made of what is stored.
_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "uses": tuple,
    "notes": tuple,
    "left": lambda stored: {PartKey(*key): text for *key, text in stored},
    "read_files": lambda stored: {path: FileContent(*each) for path, each in stored.items()},
    "made_files": lambda stored: {path: FileContent(*each) for path, each in stored.items()},
}


def _is_default(value: object) -> bool:
    """Return True for what a record has where nothing else is said; zero is something."""
    return value is None or value is True or (not value and not isinstance(value, (int, float)))


def _trimmed(fields: Sequence[Any]) -> Sequence[Any]:
    """The fields without the empty ones at the end."""
    n = len(fields)
    while n and not fields[n - 1]:
        n -= 1
    return fields[:n]


def _dumped(fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=256)
def _parts(text: str) -> Mapping[PartKey, Part]:
    """The parts of a stored text: many versions have the same, and many nodes of one function."""
    return {PartKey(*part[:3]): Part(*part[3:]) for part in json.loads(text)}


class Version(NamedTuple):
    """One result of a node that is on the shelf.

    Attributes:
        number: the result's.
        record: its record.
        objects: name -> each of its outputs that can still be read.
        stored: when it was stored, as ``time.time()`` has it.
        is_current: True if the names of its outputs give these.
        is_in_use: True if that is noted on the shelf, and was lately.
        node: the name of the node that made it.
        partition: the partition that it belongs to.
    """

    number: int
    record: Record
    objects: Mapping[str, StoredObject]
    stored: float = 0.0
    is_current: bool = True
    is_in_use: bool = False
    node: str | None = None
    partition: str = ""


def record_keys(nodes: Sequence[Node], writers: Mapping[int, str]) -> list[str]:
    """The key of each node's results: its outputs; or for a writer its function and its inputs.

    Not its name, so that a renamed node stays fresh.

    Args:
        nodes: the nodes.
        writers: the index of each writer -> the name of its function.
    """
    return [
        "made " + _listed(node.outputs)
        if node.outputs
        else f"written by {writers[index]} from {_listed(node.inputs)}"
        for index, node in enumerate(nodes)
    ]


def _listed(names: Iterable[str]) -> str:
    """The names as JSON has a list; much quicker than an encoder is made for one."""
    return f"[{', '.join(map(encode_basestring_ascii, names))}]"


def runs_alike(older: Record | None, kept: Mapping[str, StoredObject]) -> int | None:
    """How many runs in a row have made the same, with the one that made these; None for the first.

    Args:
        older: the record of the run before.
        kept: name -> each output that is on the shelf.
    """
    if older is None:
        return None
    before = {name: each.content for name, each in older.objects.items()}
    is_same = {name: each.content for name, each in kept.items()} == before
    return (older.n_same or 0) + 1 if is_same and None not in older.outputs.values() else 0


def hash_of_read(node: Node, inputs: Mapping[str, Part]) -> str:
    """A hash of what a node reads: a result that was made from anything else can't fit.

    Args:
        node: the node.
        inputs: the Part of each input.
    """
    read = [f"{name} {inputs[name].digest}" for name in sorted(node.inputs)]
    return digest_of("read", wiring_of(node), *read)


def wiring_of(node: Node) -> str:
    """The object that goes to each parameter, as text."""
    if node.keywords is None:
        return ", ".join(node.inputs)
    pairs = zip(node.keywords, node.inputs, strict=True)
    return ", ".join(sorted(f"{param}={name}" for param, name in pairs))
