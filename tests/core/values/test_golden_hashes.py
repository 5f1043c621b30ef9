"""Hashes are the same in all versions of Python, numpy and pandas."""

from __future__ import annotations

from tests.core.values import golden


def test_hashes_are_those_of_other_versions() -> None:
    """Found by other versions, and another process, than run here.

    If the way of hashing changed: ``python -m tests.core.values.golden --write``, and then
    ``hatch run oldest:hashes`` with the oldest numpy and pandas.
    """
    assert golden.differences() == []
