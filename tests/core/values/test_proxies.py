"""What is really set on an object, whatever it answers."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

import linepipe_core
from linepipe_core._values.proxies import attributes_of, really_holds

NAMES = ["__code__", "__wrapped__", "registry", "dispatch", "x", "__call__", "mro", "__dict__"]
ABSENT = object()


def plain(_x: object = None) -> None:
    """A function of its own."""


@functools.wraps(plain)
def wrapped(_x: object = None) -> None:
    """One that names another."""


class Slotted:
    __slots__ = ("x",)


class Meta(type):
    x = 1

    def __getattr__(cls, name: str) -> Any:
        return 5


class OfMeta(metaclass=Meta):
    registry = 2


class Answers:
    def __getattr__(self, name: str) -> Answers:
        return self


class LocalProxy:
    """As werkzeug's outside of a request."""

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]  # on purpose
        raise RuntimeError("working outside of request context")


VALUES: list[Any] = [
    *(plain, wrapped, functools.partial(plain), functools.cache(plain)),
    *(functools.singledispatch(plain), Slotted(), Slotted, OfMeta(), OfMeta, Answers(), Mock()),
    *(Mock, SimpleNamespace(x=1), len, [].append, [].__len__, type, object, int, 5, None),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", NAMES)
def test_it_holds_what_inspect_finds(value: object, name: str) -> None:
    """Without asking the object, or its metaclass."""
    from inspect import getattr_static

    assert really_holds(value, name) == (getattr_static(value, name, ABSENT) is not ABSENT)


def test_a_proxy_that_refuses_has_no_attributes() -> None:
    """Its property ``__dict__`` raises."""
    assert attributes_of(LocalProxy()) == {}
    assert not really_holds(LocalProxy(), "x")


def test_a_run_of_plain_functions_loads_no_inspect() -> None:
    """It takes longer to load than all of linepipe_core."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(linepipe_core.__file__).parents[1])!r})\n"
        "from linepipe_core import Node, Pipeline\n"
        "def f(x): return x\n"
        "Pipeline([Node(f, ['x'], ['y']), Node(f, ['y'], ['z'])], x=[1]).bind(x=2).run()\n"
        "print('inspect' in sys.modules)"
    )
    command = [sys.executable, "-S", "-I", "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
