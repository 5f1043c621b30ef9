"""ObjectRegistry: one run's objects, and a look at a pipeline's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linepipe_core import (
    ConstantError,
    Node,
    ObjectRegistry,
    ObjectTypeError,
    ObjPlacement,
    Pipeline,
    RegistryClosedError,
    UnknownNameError,
)


def registry(**constants: Any) -> ObjectRegistry:
    return Pipeline([Node(len, ["items"], ["n"])], **constants).get_obj_registry()


def test_a_look_shows_the_constants() -> None:
    """As private copies, with where they live."""
    with registry(items=[1], x=2) as objects:
        assert objects.keys() == ["items", "x"]
        assert objects.placement == {"items": ObjPlacement.CONSTANT, "x": ObjPlacement.CONSTANT}
        objects["items"].append(2)
        assert objects.get("items") == [1]
        assert objects.has("items")
        assert "items" in objects
        assert not objects.has("n")
        assert repr(objects) == "<ObjectRegistry of 2 objects>"


def test_a_registry_is_gone_through_by_its_names() -> None:
    """Like a dict."""
    with registry(items=[1], x=2) as objects:
        assert list(objects) == ["items", "x"]
        assert len(objects) == 2
        with pytest.raises(UnknownNameError, match="no object is called 0\n  there are: items, x"):
            objects.get(0)  # type: ignore[call-overload]  # as a list's reader might
    with pytest.raises(RegistryClosedError):
        list(objects)


def test_a_registry_is_true_whatever_it_holds() -> None:
    """So that ``if registry:`` asks whether there is one."""
    with Pipeline([]).get_obj_registry() as objects:
        assert len(objects) == 0
        assert objects
    assert objects


def test_a_value_is_kept_as_it_was_set() -> None:
    """Later changes of the caller don't count."""
    value = {"a": [1]}
    with registry() as objects:
        objects.set("n", value)
        value["a"].append(2)
        assert objects.get("n") == {"a": [1]}
        assert objects.placement["n"] is ObjPlacement.RUNTIME
        objects.set("n", 3)
        assert objects["n"] == 3


def test_get_can_check_the_type() -> None:
    """And tells a type checker what it gives."""
    with registry(x=2) as objects:
        assert objects.get("x", int) + 1 == 3
        with pytest.raises(ObjectTypeError, match="object 'x' is an int, not a str"):
            objects.get("x", str)


def test_an_unknown_object_is_an_error_that_lists_the_others() -> None:
    """With the near match."""
    with registry(features=1) as objects:
        for ask in (objects.get, objects.release, objects.__getitem__):
            with pytest.raises(UnknownNameError) as caught:
                ask("featurs")
            assert str(caught.value) == (
                "no object is called 'featurs'\n  there are: features\n  did you mean 'features'?"
            )


def test_constants_cannot_be_overwritten() -> None:
    """An error that names the way."""
    with registry(x=2) as objects:
        with pytest.raises(ConstantError, match="'x' is a constant and can't be overwritten") as c:
            objects.set("x", 3)
        assert "pipeline.bind(x=...)" in str(c.value)
        with pytest.raises(ConstantError, match="can't be released"):
            objects.release("x")
        assert objects["x"] == 2


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_name_must_be_one(name: Any) -> None:
    """A non-empty string, as everywhere."""
    with registry() as objects, pytest.raises(TypeError, match="a non-empty string, got"):
        objects.set(name, 1)


def test_the_config_cannot_be_overwritten() -> None:
    """Nor hidden behind an object of such a name."""
    with registry() as objects, pytest.raises(ConstantError, match=r"'config\.a' means the config"):
        objects.set("config.a", 1)


def test_a_name_that_no_node_reads_or_makes_is_set_with_a_warning(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """With the near match, or what the nodes read and make; on a shelf as well."""
    pipeline = Pipeline([Node(len, ["items"], ["n"])])
    shelved = pipeline.replace(use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")
    for each in (pipeline, shelved):
        caplog.clear()
        with caplog.at_level("WARNING", "linepipe.registry"), each.get_obj_registry() as objects:
            objects.set("items", [1])
            objects.set("n", 1)
            objects.set("itms", [1])
            objects.set("zzz", 1)
            assert objects["zzz"] == 1
        assert caplog.messages == [
            "registry.set('itms', ...): no node reads it; did you mean 'items'?",
            "registry.set('zzz', ...): no node reads it; they read and make: items, n",
        ]


def test_release_drops_an_object() -> None:
    """Its memory is free."""
    with registry() as objects:
        objects.set("n", 1)
        objects.release("n")
        assert not objects.has("n")


CALLS: list[Callable[[ObjectRegistry], Any]] = [
    lambda objects: objects.get("x"),
    lambda objects: objects["x"],
    lambda objects: objects.has("x"),
    lambda objects: "x" in objects,
    lambda objects: objects.set("y", 1),
    lambda objects: objects.release("x"),
    lambda objects: objects.keys(),
    lambda objects: objects.placement,
    lambda objects: objects.flush(),
    lambda objects: objects.__enter__(),
]


@pytest.mark.parametrize("call", CALLS)
def test_after_close_every_call_is_a_clear_error(call: Callable[[ObjectRegistry], Any]) -> None:
    """And closing again is none."""
    objects = registry(x=1)
    objects.flush()
    objects.close()
    objects.close()
    with pytest.raises(RegistryClosedError, match="this registry is closed: its run has ended"):
        call(objects)
    assert repr(objects) == "<ObjectRegistry, closed>"
