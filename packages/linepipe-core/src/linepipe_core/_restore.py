"""The functions that stored pickles name.

This module never moves and nothing in it is renamed: pickles on people's shelves refer to it.
New ones may be added; an old one stays as long as its shelf format can be read. A library is
known here by the name that the pickle holds, nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = [
    "array_of_dtype",
    "from_arrow",
    "from_buffer",
    "from_ipc",
    "global_random",
    "read_only",
    "transposed",
]


def array_of_dtype(array: Any, dtype: Any) -> Any:
    """An array of dates or durations, from the integers in it."""
    return array.view(dtype)


def from_arrow(library: str, table: Any, name: str | None) -> Any:
    """A frame, or the series of that name, by the library's function for Arrow's data."""
    value = import_module(library).from_arrow(table)
    return value if name is None else value.alias(name)


def from_ipc(library: str, buffer: Any, is_table: bool) -> Any:
    """A table, or its only column, from a stream in Arrow's IPC format."""
    table = import_module(library).ipc.open_stream(buffer).read_all()
    return table if is_table else table.column(0)


def from_buffer(library: str, buffer: Any, dtype: str, shape: tuple[int, ...], kind: str) -> Any:
    """A tensor over a buffer, which it takes over.

    Args:
        library: the module whose tensor it is.
        buffer: its memory, writable.
        dtype: the name of its type in that module.
        shape: its shape.
        kind: ``"tensor"``, or one that ``"requires grad"``, or a ``"parameter"`` of a module, or
            a ``"frozen parameter"``.
    """
    module = import_module(library)
    tensor = module.frombuffer(buffer, dtype=getattr(module, dtype)).reshape(shape)
    if kind.endswith("parameter"):
        return module.nn.Parameter(tensor, requires_grad=kind == "parameter")
    return tensor.requires_grad_() if kind == "requires grad" else tensor


def global_random(library: str) -> Any:
    """The generator of random numbers that the functions of a library share."""
    return import_module(f"{library}.random").mtrand._rand


def read_only(array: Any, kind: type) -> Any:
    """An array of a class, which stays as it is, as one that was mapped to be read."""
    array = array.view(kind)
    array.flags.writeable = False
    return array


def transposed(array: Any, axes: tuple[int, ...]) -> Any:
    """An array whose memory lies in another order than its axes."""
    return array.transpose(axes)
