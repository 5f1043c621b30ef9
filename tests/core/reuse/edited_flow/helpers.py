"""Helpers."""

import functools
import itertools as it
from dataclasses import dataclass

import installed_thing
from more import SCALE as FACTOR
from more import Base, inner, traced

THRESHOLD = 3
WORDS = ["low", "high"]
UNUSED = 1
HANDLERS = {"up": lambda x: x + 1, "down": lambda x: x - 1}
CALLS = {}


def clean(value):
    """Clean one value."""
    # Small ones are noise.
    cleaned = inner(value) if value > THRESHOLD else 0
    return cleaned


def scaled(value, by=2, *, shift=0):
    return value * by * FACTOR + shift


triple = functools.partial(scaled, by=3)


@traced
def rounded(value):
    return round(value, 2)


@dataclass
class Options:
    power: int = 2


class Model(Base):
    bias = 1

    def __init__(self, k):
        self.k = k

    def predict(self, value):
        return self.weight() * value + self.bias + self.k

    @property
    def size(self):
        return 1


def squares(values):
    return [value ** Options().power for value in values if value > 0]


def kind(value):
    match value:
        case 0:
            return "zero"
        case {"deep": _}:
            return "dict"
        case _:
            return "some"


def label(value):
    return f"{value:.1f}"


def word(value):
    return WORDS[value > 100]


def remembered(value):
    CALLS[value] = CALLS.get(value, 0) + 1
    return value


def running(values):
    return list(it.accumulate(values))


def versioned(value):
    return installed_thing.same(value)


def make_adder(amount):
    def add(value):
        return value + amount

    return add


add_five = make_adder(5)
