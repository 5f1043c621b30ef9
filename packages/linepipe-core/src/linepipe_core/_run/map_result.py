"""The result of a pipeline run over many cases, and the error if some of them failed.

Apart from `cases`, which runs them, because people look at results long after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from linepipe_core._errors import LinepipeError, UnknownNameError
from linepipe_core._run.failures import NodeExecutionError
from linepipe_core._run.result import RunResult
from linepipe_core._text import bounded, first_line, fits, rendered, shortened, table

__all__ = ["MapError", "MapResult"]

_MOST_FAILURES: Final = 20


class MapResult(Mapping["str", "RunResult"]):
    """The results of the cases that went well, by label: a read-only mapping.

    Attributes:
        seconds: how long all the cases took together.
        failed: label -> error, of the cases that failed; then it comes with a MapError.
    """

    def __init__(
        self, results: Mapping[str, RunResult], failed: Mapping[str, Exception], seconds: float
    ) -> None:
        self._results = dict(results)
        self.failed: dict[str, Exception] = dict(failed)
        self.seconds = seconds

    def __getitem__(self, label: str) -> RunResult:
        """The result of the case of that label.

        Raises:
            UnknownNameError: there is no such case, or it failed.
        """
        if label in self._results:
            return self._results[label]
        hint = ""
        if label in self.failed:
            hint = f"that case failed: {first_line(self.failed[label])}"
        raise UnknownNameError("case", [label], self._results, hint)

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def __bool__(self) -> Literal[True]:
        # A mapping without items is false, and so would be a map in which each case failed.
        return True

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"<MapResult: {len(self)} cases ran{failed} in {self.seconds:.3f} s>"

    def _repr_html_(self) -> str | None:
        """For notebooks: a table, if linepipe_viz is installed."""
        return rendered("map_html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 (IPython's call)
        """For IPython, and notebooks without linepipe_viz: the table as text."""
        printer.text(str(self))

    def __str__(self) -> str:
        rows = [
            (label, f"{result.seconds:.3f}", _counted(result), shortened(result, 4))
            for label, result in self._results.items()
        ]
        rows += [(label, "", "failed", _brief(error)) for label, error in self.failed.items()]
        lines = table(("case", "seconds", "nodes", "outputs"), rows)
        return fits(f"{lines}\n\n{self.seconds:.3f} s in all")


class MapError(LinepipeError):
    """Some cases of ``Pipeline.map`` failed; all the others are finished.

    Attributes:
        result: the MapResult with the cases that went well.
        failed: label -> error, of the others.
    """

    def __init__(self, result: MapResult) -> None:
        self.result = result
        failed = result.failed
        n_cases = len(failed) + len(result)
        lines = [
            f"\n  {bounded(repr(label), 80)}: {_brief(error)}"
            for label, error in [*failed.items()][:_MOST_FAILURES]
        ]
        if len(failed) > _MOST_FAILURES:
            lines.append(f"\n  ... ({len(failed) - _MOST_FAILURES} more)")
        one, *_ = failed
        super().__init__(
            f"{len(failed)} of {n_cases} cases failed"
            f"{'; the others are in .result' if len(result) else ''}{''.join(lines)}"
            f"\n  the whole report: print(error.failed[{one!r}])"
        )

    @property
    def failed(self) -> dict[str, Exception]:
        """Label -> error, of the cases that failed."""
        return self.result.failed

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.result,)


def _brief(error: Exception) -> str:
    if isinstance(error, NodeExecutionError):
        return f"node {bounded(repr(error.node.name), 80)}: {first_line(error.original)}"
    return first_line(error)


def _counted(result: RunResult) -> str:
    counts = dict.fromkeys(("ran", "reused"), 0)  # in the same order in each row
    for step in result.steps:
        counts[step.status] = counts.get(step.status, 0) + 1
    return ", ".join(f"{n} {status}" for status, n in counts.items() if n)
