"""Helpers of helpers."""

import functools

SCALE = 10


def inner(value):
    return deeper(value) + 1


def deeper(value):
    """Double it."""
    return value * 2


def other_inner(value):
    return value * 2 + 2


def traced(func):
    @functools.wraps(func)
    def wrapper(*args):
        result = func(*args)
        return result

    return wrapper


class Base:
    def weight(self):
        return 2

    def unused(self):
        return 0
