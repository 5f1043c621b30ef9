"""The same pipeline under other names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linepipe_core import Node, Pipeline, UnknownNameError, WiringError


def add(x: int, y: int) -> int:
    return x + y


def same(x: Any) -> Any:
    return x


def clean() -> Pipeline:
    nodes = [
        Node(add, ["raw", "conn"], ["rows"], name="clean"),
        Node(add, {"y": "rows", "x": "config.model.depth"}, ["model"], name="fit"),
        Node(same, ["config.model"], [], name="log"),
    ]
    return Pipeline(nodes, {"model": {"depth": 3}, "small": {"depth": 1}}, raw=1, conn=2)


def facts(pipeline: Pipeline) -> Any:
    nodes = [(n.func, n.name, n.inputs, n.keywords, n.outputs) for n in pipeline]
    return nodes, pipeline.constants, pipeline.config


def test_objects_are_renamed_everywhere() -> None:
    """In inputs, outputs and constants; parameters stay."""
    renamed = clean().rename({"raw": "lines", "rows": "table"})
    assert renamed["clean"].inputs == ("lines", "conn")
    assert renamed["clean"].outputs == ("table",)
    assert (renamed["fit"].inputs, renamed["fit"].keywords) == (
        ("table", "config.model.depth"),
        ("y", "x"),
    )
    assert renamed.constants == {"lines": 1, "conn": 2}
    assert renamed.run()["model"] == clean().run()["model"] == 6


def test_config_references_are_renamed_with_what_lies_below_them() -> None:
    """The config itself stays."""
    renamed = clean().rename({"config.model": "config.small"})
    assert renamed["fit"].inputs == ("rows", "config.small.depth")
    assert renamed["log"].inputs == ("config.small",)
    assert renamed.run()["model"] == 4


def test_a_prefix_is_put_before_every_object_and_node_but_those_kept() -> None:
    """Config references stay."""
    renamed = clean().rename({"raw": "lines"}, prefix="test_", keep=("conn", "log"))
    assert renamed.node_order == ["test_clean", "test_fit", "log"]
    assert renamed["test_clean"].inputs == ("lines", "conn")
    assert renamed["test_fit"].inputs == ("test_rows", "config.model.depth")
    assert renamed.outputs == ("test_model",)


def test_one_declaration_serves_twice() -> None:
    """What both keep is shared."""
    pipeline = clean()
    keep = ("conn",)
    both = pipeline.rename(prefix="train_", keep=keep) + pipeline.rename(prefix="test_", keep=keep)
    assert both.constants == {"train_raw": 1, "conn": 2, "test_raw": 1}
    assert dict(both.run()) == {"train_model": 6, "test_model": 6}


def test_nodes_are_renamed() -> None:
    """By `nodes=`; their functions stay."""
    renamed = clean().rename(nodes={"fit": "fit_small"})
    assert renamed.node_order == ["clean", "fit_small", "log"]
    assert renamed["fit_small"].func is add


def test_names_can_be_swapped() -> None:
    """All change at once."""
    renamed = clean().rename({"raw": "conn", "conn": "raw"})
    assert renamed["clean"].inputs == ("conn", "raw")
    assert renamed.constants == {"conn": 1, "raw": 2}


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (({"fit": "x"}, {}), UnknownNameError, r"'fit' is a node: rename\(nodes={'fit': 'x'}\)"),
        (({"rwa": "x"}, {}), UnknownNameError, "no object is called 'rwa'(.|\n)*'raw'"),
        (({"config.modl": "config.x"}, {}), UnknownNameError, "'config.modl'"),
        (({}, {"keep": ("cnn",)}), UnknownNameError, "'cnn'"),
        (({}, {"nodes": {"fti": "x"}}), UnknownNameError, "no node is called 'fti'"),
        (({"raw": "rows"}, {}), WiringError, "'raw' and 'rows' would both be called 'rows'"),
        (({"raw": "x", "conn": "x"}, {}), WiringError, "'raw' and 'conn' would both be called 'x'"),
        (({}, {"nodes": {"fit": "log"}}), WiringError, "node 'fit' and 'log' would both"),
        (({"rows": "config.rows"}, {}), WiringError, "one of them means the config"),
        (({"raw": "x"}, {"keep": ("raw",)}), WiringError, "is renamed and kept"),
        (({"raw": ""}, {}), TypeError, "non-empty names"),
        (({}, {"keep": "conn"}), TypeError, r"write keep=\['conn'\]"),
        ((["raw"], {}), TypeError, "a mapping from old names to new ones"),
    ],
)
def test_what_cannot_be_renamed_is_said(arguments: Any, error: type[Exception], text: str) -> None:
    """A name that isn't there, two that meet."""
    names, options = arguments
    with pytest.raises(error, match=text):
        clean().rename(names, **options)


def test_nodes_that_keep_their_names_are_the_same_objects() -> None:
    """So that what is shared counts once in `a + b`."""
    pipeline = clean()
    renamed = pipeline.rename({"model": "other"}, nodes={"fit": "refit"})
    assert renamed["clean"] is pipeline["clean"]
    assert (pipeline.only_nodes("clean", "fit") + renamed.only_nodes("clean", "refit")).outputs == (
        "model",
        "other",
    )


@given(st.permutations(["raw", "conn", "rows", "model"]), st.permutations(["clean", "fit", "log"]))
def test_renaming_back_gives_the_same_pipeline(objects: list[str], nodes: list[str]) -> None:
    """Whatever the new names are."""
    pipeline = clean()
    there = dict(zip(["raw", "conn", "rows", "model"], objects, strict=True))
    new_nodes = dict(zip(["clean", "fit", "log"], nodes, strict=True))
    renamed = pipeline.rename(there, nodes=new_nodes)
    back = renamed.rename(
        {new: old for old, new in there.items()}, nodes={n: o for o, n in new_nodes.items()}
    )
    assert facts(back) == facts(pipeline)
    assert set(renamed.run().values()) == set(pipeline.run().values())
    away = pipeline.rename(prefix="p_")
    strip = {name: name.removeprefix("p_") for name in ("p_raw", "p_conn", "p_rows", "p_model")}
    home = away.rename(strip, nodes={f"p_{n}": n for n in ("clean", "fit", "log")})
    assert facts(home) == facts(pipeline)
