"""The statements at a module's top level: what each binds, changes, calls and names.

An object that has no content of its own counts by the statements that made it, a class by its
class statement. `parsing` finds them in a source. They are plain data, so that a shelf can keep
them and an unchanged file needn't be parsed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple, Self

from linepipe_core._code.literal_reads import NO_READS, Reads

__all__ = ["ClassStatement", "ModuleStatements", "Statement", "foreign_effects"]


class Statement(NamedTuple):
    """One simple statement, with the tests and loops that it stands under.

    Attributes:
        digest: a hash of the statement without what is cosmetic.
        binds: the globals that it assigns or defines.
        changes: the globals that it may change: ``X.a =``, ``X[k] =``, ``X.m()``, ``fill(X)``.
        names: all names in it.
        calls: the names of the functions that it calls, dotted: ``np.random.seed``.
        sets: the dotted targets of which it sets an attribute or an item.
        decorates: the name that it defines, if it is a function or class with decorators.
        is_import: True for an import.
        is_expression: True for a call or the like whose value nobody takes.
        is_clean: False if it may read the world outside, but for ``reads``.
        reads: the environment variables and the files that it names by literals.
    """

    digest: str
    binds: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    calls: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    decorates: str = ""
    is_import: bool = False
    is_expression: bool = False
    is_clean: bool = True
    reads: Reads = NO_READS

    def as_data(self) -> tuple[Any, ...]:
        """The statement as a tuple of plain data."""
        return (*self[:-1], self.reads.variables, self.reads.files)

    @classmethod
    def of_data(cls, data: tuple[Any, ...]) -> Self:
        """The statement that ``as_data`` has given."""
        *fields, variables, files = data
        return cls._make((*fields, Reads(variables, files) if variables or files else NO_READS))


class ClassStatement(NamedTuple):
    """A class statement without its methods' bodies.

    Attributes:
        digest: a hash of decorators, bases, keywords, and the statements that are no functions,
            but for attributes that are literals: these count by their content.
        names: the names in them.
        literals: a hash of the statements of these attributes.
    """

    digest: str
    names: frozenset[str]
    literals: str


class ModuleStatements:
    """The statements at the top level of a module's source.

    Attributes:
        imports: name -> what it stands for, dotted; relative ones begin with dots.
        loads: all that the top level imports, dotted, also by stars and by calls.
        defined: the functions and classes that the module defines.
        assigned_by_functions: the globals that functions assign: ``global X``.
        attribute_stores: the names of attributes that are assigned anywhere in the module.
        classes: qualified name -> its class statement; None if there are several of that name.
        functions: those that the top level calls, and those that these call in turn, each with
            the statements in its body and with the module's imports.
    """

    def __init__(self) -> None:
        self._statements: list[Statement] = []
        self._written: list[tuple[Any, ...]] | None = None  # of the statements, as they are kept
        self.imports: dict[str, str] = {}
        self.loads: list[str] = []
        self.defined: set[str] = set()
        self.assigned_by_functions: set[str] = set()
        self.attribute_stores: set[str] = set()
        self.classes: dict[str, ClassStatement | None] = {}
        self.functions: dict[str, ModuleStatements] = {}
        self._touching: dict[str, list[int]] = {}
        self._decorations: dict[str, Statement] | None = None

    @property
    def statements(self) -> list[Statement]:
        """The statements, in their order."""
        written = self._written
        if written is not None:  # most are never asked for
            self._statements = [Statement.of_data(each) for each in written]
            self._written = None
        return self._statements

    @cached_property
    def calls(self) -> list[str]:
        """The names of the functions that the statements call."""
        return list(dict.fromkeys(called for each in self.statements for called in each.calls))

    @cached_property
    def acting(self) -> list[tuple[int, str]]:
        """The places of the statements that act on what is imported, with its dotted name here."""
        found = []
        for place, statement in enumerate(self.statements):
            is_call = statement.is_expression or statement.decorates
            for dotted in (*(statement.calls if is_call else ()), *statement.sets):
                if not statement.is_import and dotted.partition(".")[0] in self.imports:
                    found.append((place, dotted))
        return found

    def making(self, name: str) -> list[Statement]:
        """The statements that bind or change a global, and those of the globals that they name."""
        if not self._touching:
            for place, each in enumerate(self.statements):
                for touched in each.binds | each.changes:
                    self._touching.setdefault(touched, []).append(place)
        found: set[int] = set()
        waiting, seen = [name], set()
        while waiting:
            asked = waiting.pop()
            if asked in seen:
                continue
            seen.add(asked)
            for place in self._touching.get(asked, ()):
                if place not in found:
                    found.add(place)
                    names = self.statements[place].names
                    waiting += (n for n in names if n not in self.imports and n not in seen)
        return [self.statements[place] for place in sorted(found)]

    def decoration(self, name: str) -> Statement | None:
        """The statement that defines a function or class with decorators; None if there is none."""
        if self._decorations is None:
            self._decorations = {e.decorates: e for e in self.statements if e.decorates}
        return self._decorations.get(name)

    def class_statement(self, qualname: str) -> ClassStatement | None:
        """The statement of a class; None if there are several of that name, or none."""
        return self.classes.get(qualname)

    def as_data(self) -> list[Any]:
        """All of it as plain data."""
        classes = {
            name: None if each is None else tuple(each) for name, each in self.classes.items()
        }
        return [
            [each.as_data() for each in self.statements],
            self.calls,
            self.acting,
            self.imports,
            self.loads,
            self.defined,
            self.assigned_by_functions,
            self.attribute_stores,
            classes,
            {name: each.as_data() for name, each in self.functions.items()},
        ]

    @classmethod
    def of_data(cls, data: list[Any]) -> Self:
        """The statements that ``as_data`` has given."""
        found = cls()
        found._written, found.calls, found.acting, *rest = data
        imports, loads, defined, assigned, stores, classes, functions = rest
        found.imports = imports
        found.loads = loads
        found.defined, found.assigned_by_functions = defined, assigned
        found.attribute_stores = stores
        found.classes = {
            name: None if each is None else ClassStatement(*each) for name, each in classes.items()
        }
        found.functions = {name: cls.of_data(each) for name, each in functions.items()}
        return found


def foreign_effects(
    module: ModuleStatements, is_own: Mapping[str, bool]
) -> Iterator[tuple[Statement, str]]:
    """The statements that act on something foreign, each with the dotted name of that.

    Args:
        module: the module's statements.
        is_own: per name that it imports, True if that comes from an own module.
    """
    for place, dotted in module.acting:
        root = dotted.partition(".")[0]
        if not is_own.get(root, False):
            yield module.statements[place], module.imports[root] + dotted[len(root) :]
