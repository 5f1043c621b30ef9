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
    wiring: Wiring, there: Collection[str], cache_path: str | None
) -> MissingInputError:
    """The error that tells of every free input that isn't there.

    Args:
        wiring: what is to run.
        there: what there is before the first node runs.
        cache_path: the path of the persistent cache, if there is one.
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
    return MissingInputError(
        f"{listed('', problems)}\n"
        f"  give it as a constant: Pipeline(..., {missing[0]}=...) or "
        f"pipeline.bind({missing[0]}=...)" + on_shelf,
        missing,
    )


def looked_up(wiring: Wiring, config: Any) -> dict[str, Any]:
    """For each config reference that a node reads, what to hand out.

    Raises:
        MissingConfigError: the config lacks paths; all of them are told.
    """
    held, problems, missing = {}, [], []
    said: list[str] = []  # what can't be copied was told when the pipeline was built
    cause: BaseException | None = None
    for reference, reader in wiring.config_references.items():
        try:
            held[reference] = hold([look_up(config, reference)], shared=said)
        except MissingPathError as error:
            missing.append(reference)
            cause = cause or error.__cause__
            what, _, there = str(error).partition("\n")
            problems.append(f"{what}, which {wiring.place(reader)} reads\n{there}")
    if missing:
        raise MissingConfigError(listed("", problems), missing) from cause
    return held
