"""The cost of pictures and of Progress. Run with `--benchmark-enable`.

Budgets: 300 nodes as SVG under 0.5 s, as a figure under 1 s; Progress under 50 us a node.
"""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from rich.console import Console
from tests.viz import samples

from linepipe_core import Hook, Node, Pipeline
from linepipe_viz import Progress, draw_mermaid_pipeline, draw_svg_pipeline, plot_pipeline_graph
from linepipe_viz.layout.boxes import Edge, lay_out

N_NODES = 1000


@pytest.mark.parametrize("n_nodes", [10, 300, 1000])
def test_svg(benchmark: BenchmarkFixture, n_nodes: int) -> None:
    """draw_svg_pipeline, layout included."""
    benchmark(draw_svg_pipeline, samples.random_pipeline(n_nodes))


def test_plotly_figure_of_300_nodes(benchmark: BenchmarkFixture) -> None:
    """plot_pipeline_graph, plotly being loaded."""
    benchmark(plot_pipeline_graph, samples.random_pipeline(300))


@pytest.mark.filterwarnings("ignore:Mermaid draws at most")
def test_mermaid_of_300_nodes(benchmark: BenchmarkFixture) -> None:
    """draw_mermaid_pipeline."""
    benchmark(draw_mermaid_pipeline, samples.random_pipeline(300))


def test_layout_of_300_boxes(benchmark: BenchmarkFixture) -> None:
    """The layout alone, of a layered graph."""
    edges = [Edge(box, box + step, f"{box}") for box in range(290) for step in (7, 10)]
    benchmark(lay_out, [(104.0, 58.0)] * 300, edges)


@pytest.fixture
def trivial() -> Pipeline:
    """Nodes that do nothing, so that the hook is all there is."""
    nodes = [Node(int, [], [f"x{n}"], name=f"node_{n}") for n in range(N_NODES)]
    return Pipeline(nodes)


@pytest.fixture
def terminal() -> Iterator[Console]:
    """A real terminal that somebody reads."""
    leader, follower = pty.openpty()
    reader = subprocess.Popen(["cat"], stdin=leader, stdout=subprocess.DEVNULL)
    with os.fdopen(follower, "w") as stream:
        yield Console(file=stream, width=80, height=24, force_terminal=True)
    os.close(leader)
    reader.kill()
    reader.wait()


class Nothing(Hook):
    """Overrides what Progress overrides, and does nothing."""

    def before_node(self, step: object) -> None: ...

    def after_node(self, step: object) -> None: ...


def test_1000_trivial_nodes_without_progress(
    benchmark: BenchmarkFixture, trivial: Pipeline
) -> None:
    """The figure that the next two are compared with."""
    benchmark(trivial.run, hooks=[Nothing()])


def test_1000_trivial_nodes_with_plain_progress(
    benchmark: BenchmarkFixture, trivial: Pipeline
) -> None:
    """A line a node into a file, and the picture at the end."""
    console = Console(file=io.StringIO(), width=80)
    benchmark(lambda: trivial.run(hooks=[Progress(console)]))


def test_1000_trivial_nodes_with_live_progress(
    benchmark: BenchmarkFixture, trivial: Pipeline, terminal: Console
) -> None:
    """On a terminal."""
    benchmark(lambda: trivial.run(hooks=[Progress(terminal)]))


def test_importing_viz(benchmark: BenchmarkFixture) -> None:
    """A whole process; compare with the one that imports nothing."""
    benchmark(subprocess.run, [sys.executable, "-c", "import linepipe_viz"], check=True)


def test_importing_nothing(benchmark: BenchmarkFixture) -> None:
    """The bare interpreter."""
    benchmark(subprocess.run, [sys.executable, "-c", "pass"], check=True)
