"""Hypothesis strategies that make any pipeline at all."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.viz import samples

from linepipe_core import Node, Pipeline

_NAMES = st.one_of(
    st.text("abcdefgh_", min_size=1, max_size=12),
    st.text(min_size=1, max_size=40),
    st.sampled_from(samples.NASTY),
)


@st.composite
def small_pipelines(draw: st.DrawFn) -> Pipeline:
    """Up to eight nodes with any names; shrinks well."""
    made: list[str] = []
    nodes = []
    for number in range(draw(st.integers(0, 8))):
        pool = [*made, "free one", "free two", "config.a", "config.b" * 9, "config"]
        inputs = draw(st.lists(st.sampled_from(pool), max_size=5))
        outputs = [
            f"{name}{number}"
            for name in draw(st.lists(_NAMES, max_size=4, unique=True))
            if f"{name}{number}" not in made and not f"{name}{number}".startswith("config")
        ]
        nodes.append(samples.node(draw(_NAMES), inputs, outputs))
        made += outputs
    return Pipeline(nodes)


@st.composite
def large_pipelines(draw: st.DrawFn) -> Pipeline:
    """Up to 80 nodes, of any density and shape."""
    return samples.random_pipeline(
        draw(st.integers(9, 80)),
        seed=draw(st.integers(0, 2**32)),
        reach=draw(st.sampled_from([3, 10, 80])),
        most_inputs=draw(st.sampled_from([1, 2, 4, 9])),
        most_outputs=draw(st.sampled_from([1, 2, 5, 12])),
    )


@st.composite
def families(draw: st.DrawFn) -> Pipeline:
    """Ranks of alike siblings, each reading something of the ranks before, or of no rank."""
    nodes: list[Node] = []
    made: list[list[str]] = [["free"], [f"path_{n}" for n in range(9)]]
    for rank in range(draw(st.integers(1, 4))):
        count = draw(st.integers(1, 12))
        word = draw(st.sampled_from(["load", "clean", "join"]))
        first, second = (made[draw(st.integers(0, len(made) - 1))] for _ in range(2))
        reads_all = draw(st.booleans())
        outputs = [f"{word}_{rank}_{n}" for n in range(count)]
        for n, output in enumerate(outputs):
            inputs = [*(first if reads_all else [first[n % len(first)]]), second[n % len(second)]]
            nodes.append(samples.node(f"{word}_{n}", list(dict.fromkeys(inputs)), [output]))
        made.append(outputs)
    return Pipeline(nodes)
