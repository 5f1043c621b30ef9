"""Mistakes that a type checker must see: each ignore is an error if it isn't one. Not run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from linepipe import Node, Pipeline, create_named_partial_function

Node(len, ["text"], ["n"], "load")  # type: ignore[arg-type]
Node("len", ["text"], ["n"])  # type: ignore[arg-type]
Node(len, ["text"], ["n"], titel="load")  # type: ignore[call-arg]
Node(len, [1], ["n"])  # type: ignore[list-item]

pipeline = Pipeline([Node(len, ["text"], ["n"])])
Pipeline([len])  # type: ignore[list-item]
pipeline.run(reusing=True)  # type: ignore[call-arg]
pipeline.run(outputs="n")  # type: ignore[arg-type]
pipeline.plan(rerun="len")  # type: ignore[arg-type]
pipeline.rename(prefix="test_", keep="text")  # type: ignore[arg-type]
pipeline.rename({"text": 1})  # type: ignore[dict-item]
Node(len, "text", ["n"])  # type: ignore[arg-type]
Node(len, ["text"], "n")  # type: ignore[arg-type]
pipeline.map({"a": {"text": "b"}}, outputs="n")  # type: ignore[arg-type]
pipeline.map([("a", {"text": "b"})])  # type: ignore[arg-type]
pipeline.map({"a": {1: "b"}})  # type: ignore[dict-item]
pipeline.map({"a": {}})["a"]["n"] = 1  # type: ignore[index]
pipeline.replace(partition=1)  # type: ignore[arg-type]
pipeline.nodes[0].replace(inputs="text")  # type: ignore[arg-type]
pipeline.nodes[0].replace(title="n")  # type: ignore[call-arg]
pipeline.bind(1)  # type: ignore[call-arg]

bound = create_named_partial_function(len, "n")
bound(b"four").upper()  # type: ignore[attr-defined]
