"""Whether a run has all that it needs before it starts: each free input, each config path.

Pure: names and a config in, values or an error out, with all the problems of a kind at once.
"""

from __future__ import annotations

from linepipe_core.config import MissingPathError, look_up
from linepipe_core.errors import (
    MissingConfigError,
    MissingInputError,
    did_you_mean,
    listed,
    shortened,
)
from linepipe_core.snapshot import hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from linepipe_core.wiring import Wiring

__all__ = ["looked_up", "missing_inputs"]


def missing_inputs(
    wiring: Wiring, there: Collection[str], cache_path: str | None, config: Any
) -> MissingInputError:
    """The error that tells of every free input that isn't there, and every config path.

    Args:
        wiring: what is to run.
        there: what there is before the first node runs.
        cache_path: the path of the persistent cache, if there is one.
        config: the pipeline's config.
    """
    missing = [name for name in wiring.free if name not in there]
    problems = []
    for name in missing:
        reader = wiring.free[name]
        choices = [made for made, maker in wiring.makers.items() if maker < reader]
        choices += there
        problems.append(
            f"nothing makes {name!r}, which {wiring.place(reader)} needs\n"
            f"  available there: {shortened(sorted(choices))}" + did_you_mean(name, choices)
        )
    on_shelf = (
        f"\n  or run what makes it first, with the same cache: {cache_path}" if cache_path else ""
    )
    hint = (
        f"\n  give it as a constant: Pipeline(..., {missing[0]}=...) or "
        f"pipeline.bind({missing[0]}=...)" + on_shelf
    )
    _, not_found = _look_up_all(wiring, config)
    problems += map(_path_told, not_found.values())
    return MissingInputError(listed("", problems) + hint, [*missing, *not_found])


def looked_up(wiring: Wiring, config: Any) -> dict[str, Any]:
    """For each config reference that a node reads, what to hand out.

    Raises:
        MissingConfigError: the config lacks paths; all of them are told.
    """
    held, not_found = _look_up_all(wiring, config)
    if not_found:
        cause = next(filter(None, (error.__cause__ for _, error in not_found.values())), None)
        problems = [*map(_path_told, not_found.values())]
        raise MissingConfigError(listed("", problems), tuple(not_found)) from cause
    return held


def _look_up_all(
    wiring: Wiring, config: Any
) -> tuple[dict[str, Any], dict[str, tuple[str, MissingPathError]]]:
    """What to hand out for each config reference; the readers and errors of those not found."""
    held, not_found = {}, {}
    said: list[str] = []  # what can't be copied was told when the pipeline was built
    for reference, reader in wiring.config_references.items():
        try:
            held[reference] = hold([look_up(config, reference)], shared=said)
        except MissingPathError as error:
            not_found[reference] = wiring.place(reader), error
    return held, not_found


def _path_told(not_found: tuple[str, MissingPathError]) -> str:
    reader, error = not_found
    what, _, there = str(error).partition("\n")
    return f"{what}, which {reader} reads\n{there}"
