"""Columns and labels of text in pandas, as their lengths and their bytes.

Before pandas 3 they are objects, and since then of a type of their own, held by Arrow if it is
there. As long as nobody asked for the one or the other, the same texts count as the same.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from linepipe_core._values.adapter import Memory

__all__ = ["are_default_texts", "described_texts"]

_MISSING: Final = -1


def are_default_texts(column: Any) -> bool:
    """Return True for texts, some of which may be missing, as pandas keeps them by default."""
    dtype = column.dtype
    if type(dtype).__name__ == "StringDtype":
        return not _are_objects() and bool(dtype == _text_type())
    is_of_objects = type(column).__name__ == "NumpyExtensionArray" and dtype.kind == "O"
    if not is_of_objects or not _are_objects():
        return False
    values = column.tolist()
    kinds = set(map(type, values))
    if kinds == {str, float}:
        return all(value != value for value in values if type(value) is float)
    return kinds == {str}


@cache
def _are_objects() -> bool:
    return int(sys.modules["pandas"].__version__.partition(".")[0]) < 3


@cache
def _text_type() -> Any:
    return sys.modules["pandas"].StringDtype(na_value=sys.modules["numpy"].nan)


def described_texts(column: Any) -> tuple[Any, ...]:
    """The content of a column for which `are_default_texts` is true."""
    arrow = getattr(column, "_pa_array", None)
    if arrow is None:
        lengths, written = zip(_of_objects(column.tolist()), strict=True)
    else:
        lengths, written = zip((array("q"), b""), *map(_of_chunk, arrow.chunks), strict=True)
    return "texts", len(column), Memory(lengths), Memory(written)


def _of_objects(values: list[Any]) -> tuple[Any, Any]:
    texts = [value for value in values if type(value) is str]
    joined = "".join(texts)
    lengths: Iterable[int]
    if joined.isascii():
        written, lengths = joined.encode("ascii"), map(len, texts)
    else:
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        written, lengths = b"".join(encoded), map(len, encoded)
    if len(texts) < len(values):
        waiting = iter(lengths)
        lengths = (next(waiting) if type(value) is str else _MISSING for value in values)
    return array("q", lengths), written


def _of_chunk(chunk: Any) -> tuple[Any, Any]:
    pyarrow, numpy = sys.modules["pyarrow"], sys.modules["numpy"]
    if not pyarrow.types.is_large_string(chunk.type):
        chunk = chunk.cast(pyarrow.large_string())
    texts = chunk.drop_null() if chunk.null_count else chunk
    lengths = numpy.full(len(chunk), _MISSING, "i8")
    if not len(texts):
        return lengths, b""
    _, offsets, held = texts.buffers()
    ends = numpy.frombuffer(offsets, "i8")[texts.offset :][: len(texts) + 1]
    lengths[chunk.is_valid().to_numpy(zero_copy_only=False)] = numpy.diff(ends)
    return lengths, memoryview(held or b"")[ends[0] : ends[-1]]
