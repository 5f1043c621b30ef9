"""Own functions in the wrappers that installed packages put around them."""

from __future__ import annotations

from pathlib import Path

from tests.core.projects import Project

CHECKS = """
class Checked:
    __slots__ = ("function", "limits")
    def __init__(self, function, limits):
        self.function, self.limits = function, limits
    def __call__(self, x):
        return min(self.function(x), self.limits["most"])
def checked(limits):
    return lambda function: Checked(function, limits)
"""
NODE = """
from checks import checked
LIMITS = {"most": 3}
@checked(LIMITS)
def scaled(x): return x * 5
def node(): return scaled(1)
"""
ITSELF = """
import functools
def self_writing(function):
    def written(*args, itself=None): return args[0] * 2
    @functools.wraps(function)
    def wrapper(*args, itself=None):
        itself.__code__ = itself.written
        return itself(*args)
    wrapper.__kwdefaults__ = {"itself": wrapper}
    wrapper.written = written.__code__
    return wrapper
@self_writing
def doubled(x): return x * 2
"""


def test_what_a_decorator_is_given_counts(tmp_path: Path) -> None:
    """Though it lies in a library's object, where only functions are looked for."""
    project = Project(tmp_path, NODE)
    project.write("site-packages/checks.py", CHECKS)
    assert project.session("run()") == ["3, never ran"]
    assert project.session("run()") == ["3, nothing changed"]
    project.write_node(NODE.replace('"most": 3', '"most": 4'))
    assert project.session("run()")[0].startswith("4, global LIMITS")
    project.write_node(NODE.replace('"most": 3', '"most": 4').replace("x * 5", "x * 2"))
    assert project.session("run()")[0].startswith("2, helper scaled() changed")


def test_a_function_that_writes_its_own_code_when_it_is_called_is_the_same(tmp_path: Path) -> None:
    """networkx's are such; a library's functions count by its version."""
    project = Project(tmp_path, "from lazy import doubled\ndef node(): return doubled(2)")
    project.write("site-packages/lazy.py", ITSELF)
    assert project.session("run()\nrun()") == ["4, never ran", "4, nothing changed"]
    assert project.session("run()") == ["4, nothing changed"]
