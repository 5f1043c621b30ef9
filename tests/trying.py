"""Which examples Hypothesis tries, and how many.

The suite tries the same ones each time: a change fails by what it did, never by chance, and no
example fails for the time it takes, which is the machine's business. `hatch run search` tries
others, and more of them.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import HealthCheck, settings

QUICK_EXAMPLES: Final = 20  # of each property, at most
SEARCH_FACTOR: Final = 25  # times as many as usually

_ANYWHERE: Final[dict[str, Any]] = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}

settings.register_profile("whole", derandomize=True, **_ANYWHERE)
settings.register_profile("quick", derandomize=True, max_examples=QUICK_EXAMPLES, **_ANYWHERE)
settings.register_profile("search", max_examples=100 * SEARCH_FACTOR, **_ANYWHERE)


def load(profile: str) -> None:
    """Try so many examples from now on: "whole", "quick" or "search"."""
    settings.load_profile(profile)


def examples(usually: int, **others: Any) -> settings:
    """Settings of a property for which the default of 100 examples isn't right.

    Args:
        usually: how many examples the whole suite tries.
        **others: further settings of Hypothesis.
    """
    profile = settings.get_current_profile_name()
    if profile == "quick":
        usually = min(usually, QUICK_EXAMPLES)
    elif profile == "search":
        usually *= SEARCH_FACTOR
    return settings(max_examples=usually, **others)
