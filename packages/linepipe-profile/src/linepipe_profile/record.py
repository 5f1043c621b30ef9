"""What a memory profile says in the end: the record that lands on ``step.memory``.

Apart from the measuring so that those who show it (results, terminal, pictures) depend on
plain numbers only, and so that what ΔMem and Peak mean is written down once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["MemoryRecord", "Method", "Sample", "record_of"]

Method = Literal["kernel", "process", "thread"]


class Sample(NamedTuple):
    """One reading.

    Attributes:
        seconds: since the function was called.
        mib: the resident memory of the process (and of its children, if asked for), in MiB.
    """

    seconds: float
    mib: float


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """The memory of one node's call.

    All of it is the memory of the whole process: what other threads allocate in the
    meantime is in it too.

    Attributes:
        delta_mib: ΔMem, the last minus the first recorded value.
        peak_mib: Peak, the highest minus the first recorded value.
        samples: the readings in order of time, the first and the last right around the
            call. At most about two thousand: a long node's are thinned, highest ones kept.
        method: what told the peak. ``"kernel"``: the kernel's own high-water mark, exact,
            also between two samples and while the node holds the interpreter lock.
            ``"process"``: samples from a process beside this one, which the lock doesn't
            stop. ``"thread"``: samples from a thread, which the lock does.
    """

    delta_mib: float
    peak_mib: float
    samples: tuple[Sample, ...]
    method: Method

    def __str__(self) -> str:
        # Adding 0.0 turns the -0.0 that rounding leaves of a tiny loss into 0.0.
        delta, peak = round(self.delta_mib, 2) + 0.0, round(self.peak_mib, 2)
        return f"ΔMem: {delta:.2f} MiB | Peak: {peak:.2f} MiB"


def record_of(
    samples: Sequence[Sample],
    sampled_by: Literal["process", "thread"],
    mark_mib: float | None = None,
    *,
    mark_is_whole: bool = True,
) -> MemoryRecord:
    """What the readings of one call amount to.

    Args:
        samples: at least one reading, in order of time.
        sampled_by: where the readings come from.
        mark_mib: the kernel's high-water mark over the call, where there is one.
        mark_is_whole: whether the mark covers all that the samples do; it doesn't when they
            count child processes too.

    Returns:
        The record, with the method that told its peak.
    """
    first, last = samples[0].mib, samples[-1].mib
    highest = max(sample.mib for sample in samples)
    # The kernel counts per core, so a reading can pass the mark by some pages.
    told_by_mark = mark_mib is not None and (mark_is_whole or mark_mib >= highest)
    return MemoryRecord(
        delta_mib=last - first,
        peak_mib=max(highest, mark_mib or 0.0) - first,
        samples=tuple(samples),
        method="kernel" if told_by_mark else sampled_by,
    )
