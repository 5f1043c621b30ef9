"""The live view in a notebook: one picture, updated in place, that becomes the result's.

The layout is made once, and a picture is drawn seldom enough that drawing takes a small part
of the run's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final

from linepipe_core import Node, RunResult, Step
from linepipe_viz.graph.facts import value_facts
from linepipe_viz.graph.records import Record, step_record
from linepipe_viz.notebook.html import scene_html
from linepipe_viz.scene.pipeline_scene import Picture

__all__ = ["NotebookView"]

_LEAST_PAUSE: Final = 0.25  # seconds between pictures
_SHARE: Final = 10  # a picture's drawing may take a tenth of the time until the next


class NotebookView:
    """A picture of the run in the output of the cell.

    Args:
        nodes: of the run.
        title: the heading.
    """

    def __init__(self, nodes: Sequence[Node], title: str | None) -> None:
        self._nodes = nodes
        self._picture = Picture(nodes, {}, title, with_states=True)
        self._records: list[Record] = []
        self._display: Any = None
        self._next = 0.0
        self._error: BaseException | None = None

    def begin(self, step: Step) -> None:  # noqa: ARG002 (a view's)
        """Show that the node runs, if the last picture is old enough."""
        self._draw([*self._records, Record("running")], {})

    def end(self, step: Step, error: BaseException | None) -> None:
        """Show how the node went; a failure at once."""
        self._records.append(step_record(step, error))
        if error is not None:
            self._error = error
            self._draw(self._records, {}, at_once=True)

    def finish(self, result: RunResult) -> None:
        """Show the result."""
        records = [step_record(step, self._error) for step in result.steps]
        self._draw(records, value_facts(result), at_once=True)

    def close(self) -> None:
        """The picture stays as it is."""

    def _draw(
        self, records: Sequence[Record], facts: dict[str, str], *, at_once: bool = False
    ) -> None:
        started = perf_counter()
        if started < self._next and not at_once:
            return
        pending = [Record("not run")] * (len(self._nodes) - len(records))
        scene = self._picture.scene([*records, *pending], facts)
        bundle = {
            "text/plain": f"{scene.title}: {scene.outcome}\n{scene.description}",
            "text/html": scene_html(scene),
        }
        if self._display is None:
            from IPython.display import display  # where this runs, IPython is loaded

            self._display = display(  # type: ignore[no-untyped-call] # IPython publishes few types
                bundle, raw=True, display_id=True
            )
        else:
            self._display.update(bundle, raw=True)
        spent = perf_counter() - started
        self._next = perf_counter() + max(_LEAST_PAUSE, _SHARE * spent)
