"""Hypothesis strategies that make any pipeline at all."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.viz import samples

from linepipe_core import Pipeline

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
