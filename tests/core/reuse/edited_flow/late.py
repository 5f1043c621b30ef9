"""Imported inside a node's function."""


def start():
    return 2
