"""The result of a memory profile: the record on ``step.memory``.

Apart from the measuring so that those who show it (results, terminal, pictures) depend on plain
numbers only, and so that ΔMem and Peak are defined once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["MemoryRecord", "Method", "Sample", "make_record"]

Method = Literal["kernel", "process", "thread"]


class Sample(NamedTuple):
    """One reading.

    Attributes:
        seconds: since the call of the function.
        mib: the resident memory of the process (and the private memory of its children, if
            they are included), in MiB.
    """

    seconds: float
    mib: float


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """The memory of one node's call.

    All figures are of the whole process: memory that other threads allocate meanwhile is
    included.

    Attributes:
        delta_mib: ΔMem, the last value minus the first, in MiB.
        peak_mib: Peak, the highest value minus the first, in MiB.
        samples: the readings in order of time; the first and the last are taken right before
            and after the call. At most about two thousand: those of a long node are thinned,
            and the highest are kept.
        method: the source of the peak. ``"kernel"``: the kernel's own high-water mark, exact,
            also between two samples and while the node holds the interpreter lock.
            ``"process"``: samples from a process beside this one, which the lock doesn't
            stop. ``"thread"``: samples from a thread, which the lock does stop.
    """

    delta_mib: float
    peak_mib: float
    samples: tuple[Sample, ...]
    method: Method

    def __str__(self) -> str:
        # Adding 0.0 turns the -0.0 of a tiny rounded loss into 0.0.
        delta, peak = round(self.delta_mib, 2) + 0.0, round(self.peak_mib, 2)
        return f"ΔMem: {delta:.2f} MiB | Peak: {peak:.2f} MiB"


def make_record(
    samples: Sequence[Sample],
    sampled_by: Literal["process", "thread"],
    mark_mib: float | None = None,
    *,
    mark_covers_samples: bool = True,
) -> MemoryRecord:
    """Return the record of one call.

    Args:
        samples: at least one reading, in order of time.
        sampled_by: the source of the readings.
        mark_mib: the kernel's high-water mark over the call, if there is one.
        mark_covers_samples: False if the samples include child processes; the mark doesn't.
    """
    first, last = samples[0].mib, samples[-1].mib
    highest = max(sample.mib for sample in samples)
    # The kernel counts per core, so a reading can pass the mark by some pages.
    is_peak_by_mark = mark_mib is not None and (mark_covers_samples or mark_mib >= highest)
    return MemoryRecord(
        delta_mib=last - first,
        peak_mib=max(highest, mark_mib or 0.0) - first,
        samples=tuple(samples),
        method="kernel" if is_peak_by_mark else sampled_by,
    )
