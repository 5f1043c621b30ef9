"""``NamedTuple``, as `typing` has it, without the code that it compiles for each class.

`typing.NamedTuple` compiles a function for each class, and each annotation: a third of a
millisecond a class, of which a process with the persistent cache loads forty. This one defines the
same classes in a tenth of that, and compiles the function for the first object of a class. Type
checkers see the one of `typing`.
"""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]  # what describes their fields
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from inspect import Signature
    from typing import NamedTuple

__all__ = ["NamedTuple"]


class _Signature:
    """The arguments of a class, for `help` and the like."""

    def __get__(self, _record: object, kind: type[_Record]) -> Signature:
        from inspect import Parameter, Signature

        return Signature(
            [
                Parameter(
                    name,
                    Parameter.POSITIONAL_OR_KEYWORD,
                    default=kind._field_defaults.get(name, Parameter.empty),
                    annotation=kind.__annotations__[name],
                )
                for name in kind._fields
            ]
        )


class _Record(tuple[Any, ...]):
    """The methods of the classes."""

    __slots__ = ()

    _fields: ClassVar[tuple[str, ...]]
    _field_defaults: ClassVar[dict[str, Any]]
    __signature__ = _Signature()

    def __new__(cls, *values: Any, **named: Any) -> Self:
        kind: Any = next(each for each in cls.__mro__ if "_fields" in vars(each))
        names = ", ".join(kind._fields)
        new = eval(f"lambda _cls, {names}: _new(_cls, ({names},))", {"_new": tuple.__new__})
        new.__defaults__ = tuple(kind._field_defaults.values())
        new.__name__ = new.__qualname__ = kind.__name__  # in the error for wrong arguments
        kind.__new__ = staticmethod(new)  # for the next objects
        record: Self = new(cls, *values, **named)
        return record

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Self:
        record = tuple.__new__(cls, values)
        if len(record) != len(cls._fields):
            raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, got {len(record)}")
        return record

    def _replace(self, **changes: Any) -> Self:
        record = tuple.__new__(type(self), map(changes.pop, self._fields, self))
        if changes:
            raise TypeError(f"{type(self).__name__} has no {', '.join(map(repr, changes))}")
        return record

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        fields = (f"{name}={value!r}" for name, value in self._asdict().items())
        return f"{type(self).__name__}({', '.join(fields)})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)


class _Definition(type):
    """Makes a class of tuples from the fields that a class statement annotates."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        if not bases:
            return super().__new__(cls, name, bases, body)
        fields = tuple(body.get("__annotations__", ()))
        defaults = {field: body[field] for field in fields if field in body}
        for place, field in enumerate(fields):
            body[field] = _tuplegetter(place, None)
        body |= {
            "__match_args__": fields,
            "__slots__": (),
            "_field_defaults": defaults,
            "_fields": fields,
        }
        return type(name, (_Record,), body)


if not TYPE_CHECKING:

    class NamedTuple(metaclass=_Definition):
        """A tuple with named fields, which a subclass annotates."""
