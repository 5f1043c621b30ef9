"""A declaration as editors and type checkers see it. Checked, not run."""

from collections.abc import Callable, Sequence
from typing import Any, assert_type

import linepipe
import linepipe_core
from linepipe import Node, Pipeline, create_named_partial_function
from linepipe.node import Node as NodeOfModule
from linepipe.pipeline import Pipeline as PipelineOfModule


def clean(rows: list[int], lowest: int) -> list[int]:
    return [row for row in rows if row >= lowest]


def write(rows: list[int], table: str) -> int:
    return len(rows) + len(table)


node = Node(clean, ["rows", "config.lowest"], ["cleaned"], name="clean")
by_keyword = Node(clean, {"rows": "rows", "lowest": "config.lowest"}, ("cleaned",), True)
writer = Node(print, ["cleaned"], [], always_run=True, isolate=False)

assert_type(node.name, str)
assert_type(node.inputs, tuple[str, ...])
assert_type(node.outputs, tuple[str, ...])
assert_type(node.profile, bool)
assert_type(node.run({"rows": [1], "config": {"lowest": 0}}), dict[str, Any])

write_here = create_named_partial_function(write, "write_here", table="here")
assert_type(write_here, Callable[..., int])

pipeline = Pipeline(
    [node, writer], config={"lowest": 2}, track_history=True, rows=[1, 2, 3], anything=object()
)
assert_type(pipeline, Pipeline)
assert_type(pipeline.nodes, tuple[Node, ...])
assert_type(pipeline.node_order, list[str])
assert_type(pipeline.free_inputs, tuple[str, ...])
assert_type(pipeline.outputs, tuple[str, ...])
assert_type(pipeline["clean"], Node)
assert_type(len(pipeline), int)
assert_type(list(pipeline), list[Node])
assert_type(pipeline.bind(rows=[4]), Pipeline)
assert_type(pipeline.from_nodes("clean"), Pipeline)
assert_type(pipeline.to_nodes("clean"), Pipeline)
assert_type(pipeline.only_nodes("clean"), Pipeline)
assert_type(pipeline.to_outputs("cleaned"), Pipeline)
assert_type(pipeline + pipeline, Pipeline)
assert_type(sum([pipeline, pipeline], start=Pipeline([])), Pipeline)
assert_type(node.replace(name="other", inputs={"rows": "rows", "lowest": "x"}), Node)
assert_type(pipeline.replace(use_persistent_cache=True, partition="may"), Pipeline)
assert_type(pipeline.rename({"rows": "lines"}, prefix="test_", keep=("anything",)), Pipeline)
assert_type(pipeline.constants, dict[str, Any])
assert_type(pipeline.check(), list[str])

names: Sequence[str] = ["rows"]
Node(len, names, names)
Node(len, node.outputs, ("n",))


class Report(Pipeline):
    """A subclass keeps its type."""


report = Report([node])
assert_type(report.bind(rows=[1]), Report)
assert_type(report.only_nodes("clean"), Report)
assert_type(report.replace(config={}), Report)

same_node: type[linepipe_core.Node] = linepipe.Node
same_module: type[Node] = NodeOfModule
same_pipeline: type[Pipeline] = PipelineOfModule
