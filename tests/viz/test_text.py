"""Texts of names and figures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linepipe_viz.text import cell_width, printable, short_labels, shorten


@given(st.lists(st.text(max_size=60), max_size=8, unique=True), st.integers(8, 34))
def test_labels_fit_and_short_names_stay_whole(names: list[str], limit: int) -> None:
    """Whatever the names."""
    labels = short_labels(names, limit)
    assert list(labels) == names
    for name, label in labels.items():
        assert cell_width(label) <= limit
        if cell_width(printable(name)) <= limit:
            assert label == printable(name)


@given(
    st.text("ab_", min_size=30, max_size=60),
    st.text("ab_", min_size=30, max_size=60),
    st.lists(st.text("0123456789", min_size=1, max_size=6), min_size=2, max_size=6, unique=True),
)
def test_names_that_differ_in_a_part_have_labels_that_differ(
    before: str, after: str, parts: list[str]
) -> None:
    """What they share is cut instead."""
    labels = short_labels([f"{before}{part}{after}" for part in parts])
    assert len(set(labels.values())) == len(parts)
    assert all(cell_width(label) <= 34 for label in labels.values())


def test_names_that_are_cut_to_different_texts_are_cut_as_ever() -> None:
    """In their middle."""
    names = ["a" * 40, "b" * 40]
    assert short_labels(names) == {name: shorten(name) for name in names}
