"""Texts of tooltips and hover cards: signature, docstring, types and figures.

Apart from the scene because it looks into functions (signatures, docstrings, annotations),
which nothing else in the pictures does.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from linepipe_core import Node
from linepipe_viz.graph.records import Record
from linepipe_viz.text import join_names, printable

__all__ = [
    "Details",
    "annotation_text",
    "input_details",
    "node_details",
    "object_details",
    "run_facts",
]

_LONGEST = 240  # signs of a line
_LONGEST_INT = 64  # bits


@dataclass(frozen=True, slots=True)
class Details:
    """A heading, a line about the whole in other words, and lines of facts."""

    heading: str
    signature: str
    summary: str
    facts: tuple[str, ...]

    def lines(self) -> list[str]:
        """All of it as plain text, a line each."""
        parts = [self.heading, self.signature, self.summary, *self.facts]
        return [part for part in parts if part]


def node_details(node: Node, record: Record | None, output_hints: Mapping[str, object]) -> Details:
    """A node's signature, the first line of its docstring, its inputs and outputs."""
    parameters = _parameters(node.func)
    hints = _input_hints(node, parameters)
    facts = [f"inputs: {_typed(node.inputs, hints)}"]
    outputs = {name: output_hints[name] for name in node.outputs if name in output_hints}
    facts.append(f"outputs: {_typed(node.outputs, outputs)}")
    facts += run_facts(record)
    return Details(
        printable(node.name),
        _cut(_signature(node)),
        _cut(printable(_first_line(node.func))),
        tuple(facts),
    )


def object_details(
    name: str, maker: str, readers: Sequence[str], hint: object, facts: Sequence[str] = ()
) -> Details:
    """Details of an object that a node makes; ``facts`` are lines."""
    return Details(
        printable(name),
        "" if hint is None else annotation_text(hint),
        "",
        (f"made by {printable(maker)}", _read_by(readers), *facts),
    )


def input_details(name: str, readers: Sequence[str], facts: Sequence[str] = ()) -> Details:
    """Details of an object that no node makes; ``facts`` are lines."""
    return Details(printable(name), "", "", ("input of the pipeline", _read_by(readers), *facts))


def _read_by(readers: Sequence[str]) -> str:
    names = join_names(list(readers), "no node: an output of the pipeline")
    return f"read by {names}"


def run_facts(record: Record | None) -> Iterable[str]:
    """Lines about how a node went, or will."""
    if record is None:
        return
    parts = (record.status, record.figures, record.estimate)
    yield " · ".join(part for part in parts if part)
    if record.error:
        yield _cut(record.error)
    for reason in record.reasons:
        yield _cut(f"because {printable(reason)}")


def _signature(node: Node) -> str:
    try:
        signature = inspect.signature(node.func)
    except (TypeError, ValueError):  # some builtins have none
        return ""
    parameters = [
        parameter.replace(
            annotation=_bare(parameter.annotation), default=_shown_default(parameter.default)
        )
        for parameter in signature.parameters.values()
    ]
    name = getattr(node.func, "__name__", node.name)  # a partial has none
    returned = _bare(signature.return_annotation)
    return printable(f"{name}{inspect.Signature(parameters, return_annotation=returned)}")


class _Bare:
    """An object whose repr is the given text, for use in a signature."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _bare(annotation: object) -> object:
    if annotation is inspect.Signature.empty:
        return annotation
    return _Bare(annotation_text(annotation))


def _shown_default(default: object) -> object:
    """A default or bound value, as far as it may be in a picture: a short number, or None.

    All else is ``…``: a picture is for others to see, and a text may be a password; an object's
    repr may be a whole table, may raise, and tells an address that is another each time.
    """
    if default is inspect.Parameter.empty or type(default) in (bool, float, type(None)):
        return default
    is_short = type(default) is int and default.bit_length() <= _LONGEST_INT
    return default if is_short else _Bare("…")


def _parameters(func: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(func).parameters.values())
    except (TypeError, ValueError):
        return []


def _input_hints(node: Node, parameters: Sequence[inspect.Parameter]) -> dict[str, object]:
    """The annotation of each input, where its parameter has one."""
    if node.keywords is None:
        positional = [p for p in parameters if p.kind in _BY_POSITION]
        pairs = list(zip(node.inputs, positional, strict=False))
    else:
        named = {parameter.name: parameter for parameter in parameters}
        pairs = [
            (name, named[keyword])
            for name, keyword in zip(node.inputs, node.keywords, strict=True)
            if keyword in named
        ]
    return {
        name: parameter.annotation
        for name, parameter in pairs
        if parameter.annotation is not inspect.Parameter.empty
    }


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _first_line(func: Callable[..., Any]) -> str:
    while isinstance(func, partial) and "__doc__" not in vars(func):
        func = func.func  # partial's own docstring tells about partial
    try:
        doc = inspect.getdoc(func)
    except Exception:  # a property of the user's own may raise anything
        return ""
    return doc.strip().partition("\n")[0] if doc else ""


def _typed(names: Sequence[str], hints: Mapping[str, object]) -> str:
    if not names:
        return "—"
    return _cut(", ".join(_with_hint(name, hints) for name in names))


def _with_hint(name: str, hints: Mapping[str, object]) -> str:
    shown = printable(name)
    return f"{shown}: {annotation_text(hints[name])}" if name in hints else shown


def annotation_text(hint: object) -> str:
    """An annotation as people say it: ``dict[str, DataFrame]``, without modules."""
    if isinstance(hint, str):  # as its author wrote it
        return _cut(printable(hint))
    try:
        text = inspect.formatannotation(hint)
    except Exception:  # of an object in Annotated[...], whose repr is the user's own
        return "…"
    text = _ADDRESS.sub("", _QUOTED_OR_MODULE.sub(_without_module, text))
    return _cut(printable(text))


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # another in each process: pictures are the same


_QUOTED_OR_MODULE = re.compile(r"""'[^']*'|"[^"]*"|(?:\w+\.)+(?=\w)""")


def _without_module(match: re.Match[str]) -> str:
    return match[0] if match[0][0] in "'\"" else ""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
