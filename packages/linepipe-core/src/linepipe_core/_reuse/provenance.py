"""Says which objects come from the shelf, who made them, and whether they fit today.

Pure texts and judgements; light, for plans and results print them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from linepipe_core._code.reason import Reason
from linepipe_core._declare.node import Node
from linepipe_core._log import INFO, WARNING, run_log
from linepipe_core._store.info import ObjectInfo
from linepipe_core._text import did_you_mean

__all__ = ["log_provenance", "shelf_lines", "stale_text"]


def shelf_lines(infos: Sequence[ObjectInfo]) -> str:
    """The lines of a plan or a result that tell what comes from the shelf; none for nothing."""
    lines = "".join(f"\n  {_line(info)}" for info in infos)
    return f"\n\nfrom the shelf:{lines}" if lines else ""


def stale_text(reasons: Iterable[Reason]) -> str:
    """Why an object doesn't fit today, such as ``stale: config.factor 1 -> 100``."""
    return "stale: " + "; ".join(
        reason if reason.old is None or reason.new is None or reason.name is None
        else f"{reason.name} {reason.old} -> {reason.new}"
        for reason in reasons
    )  # fmt: skip


def log_provenance(
    infos: Iterable[ObjectInfo],
    nodes: Sequence[Node],
    unread: Collection[str],
    alike: Collection[str],
) -> None:
    """Log what comes from the shelf: a warning where something speaks against it.

    Args:
        infos: the objects that come from the shelf.
        nodes: the nodes of the run.
        unread: the outputs that no node reads.
        alike: the objects whose makers' functions some node here has.
    """
    names = {node.name for node in nodes}
    for info in infos:
        problems = [stale_text(info.stale)] if info.stale else []
        if info.node in names or info.name in alike:
            problems.append(f"{info.node} here makes something else")
        problems += [line.strip() for line in [did_you_mean(info.name, unread)] if line]
        text = "; ".join([_line(info._replace(stale=())), *problems])
        run_log().log(WARNING if problems else INFO, "from the shelf: %s", text)


def _line(info: ObjectInfo) -> str:
    maker = f"made by {info.node}" if info.node else "put there by hand"
    partition = f" in {info.partition!r}" if info.partition else ""
    text = f"{info.name}, {maker}{partition} {_ago(info.age_seconds)}"
    return f"{text}; {stale_text(info.stale)}" if info.stale else text


def _ago(seconds: float) -> str:
    for unit, size in (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0)):
        n = int(seconds // size)
        if n:
            return f"{n} {unit}{'s' * (n > 1)} ago"
    return "just now" if seconds < 1 else f"{int(seconds)} s ago"
