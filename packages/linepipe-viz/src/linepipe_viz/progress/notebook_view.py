"""The live view in a notebook: one picture, updated in place, that becomes the result's.

The layout is made once, and a picture is drawn seldom enough that drawing takes a small part
of the run's time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from linepipe_core import LinepipeError, Node, RunResult, Step
from linepipe_viz.graph.facts import Fact, info_fact, shelf_facts
from linepipe_viz.graph.records import Record, step_record
from linepipe_viz.notebook.html import scene_html
from linepipe_viz.scene.pipeline_scene import Picture

if TYPE_CHECKING:  # it comes with sqlite3
    from linepipe_core.shelf import ObjectInfo

__all__ = ["NotebookView"]

_LEAST_PAUSE: Final = 0.25  # seconds between pictures
_SHARE: Final = 10  # a picture's drawing may take a tenth of the time until the next


class NotebookView:
    """A picture of the run in the output of the cell.

    Args:
        nodes: of the run.
        title: the heading.
        info: gives the facts about an object of the run, while it is there.
    """

    def __init__(
        self, nodes: Sequence[Node], title: str | None, info: Callable[[str], ObjectInfo]
    ) -> None:
        self._nodes = nodes
        self._info = info
        self._picture = Picture(nodes, {}, title, with_states=True)
        self._facts: dict[str, Fact] = {}
        self._records: list[Record] = []
        self._display: Any = None
        self._next = 0.0
        self._error: BaseException | None = None

    def begin(self, step: Step) -> None:  # noqa: ARG002 (a view's)
        """Show that the node runs, if the last picture is old enough."""
        self._draw([*self._records, Record("running")])

    def end(self, step: Step, error: BaseException | None) -> None:
        """Show how the node went; a failure at once."""
        self._records.append(step_record(step, error))
        self._look_at_objects(step)
        if error is not None:
            self._error = error
            self._draw(self._records, at_once=True)

    def finish(self, result: RunResult) -> None:
        """Show the result."""
        records = [step_record(step, self._error) for step in result.steps]
        self._facts |= shelf_facts(result)
        self._draw(records, at_once=True)

    def close(self) -> None:
        """The picture stays as it is."""

    def _look_at_objects(self, step: Step) -> None:
        """Note type and size of what the node made, while it is there."""
        for name in step.node.outputs if step.status in ("ran", "reused") else ():
            with suppress(LinepipeError):  # released already: nobody reads it
                self._facts[name] = info_fact(self._info(name))

    def _draw(self, records: Sequence[Record], *, at_once: bool = False) -> None:
        started = perf_counter()
        if started < self._next and not at_once:
            return
        pending = [Record("not run")] * (len(self._nodes) - len(records))
        scene = self._picture.scene([*records, *pending], self._facts)
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
