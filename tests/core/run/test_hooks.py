"""Hooks are called in order, and one that raises is put aside."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any

import pytest
from tests.core.run.nodes import Recorder, chain, failing

from linepipe_core import (
    Hook,
    Node,
    NodeExecutionError,
    Pipeline,
    Step,
)


def test_a_method_given_to_one_hook_alone_is_called() -> None:
    """As tests do who want to see one call."""
    hook, seen = Hook(), []
    hook.after_node = lambda step: seen.append(step.node.name)  # type: ignore[method-assign]
    hook.before_node = None  # type: ignore[method-assign, assignment]  # nothing to call
    assert chain(2).run(hooks=[hook]).failed_hooks == ()
    assert seen == ["add1", "add2"]


class TestHooks:
    """Hooks watch, and can do no harm. (More: test_debugging.py and test_failures.py.)"""

    def test_are_called_in_order(self) -> None:
        """The whole life of a run."""
        hook = Recorder()
        chain(1).run(hooks=[hook])
        assert hook.told == [
            "before run of add1",
            "before add1 running",
            "enter add1",
            "leave add1",
            "after add1 ran",
            "after run ['ran']",
        ]

    def test_are_called_for_a_run_without_nodes(self) -> None:
        """It has a beginning and an end."""
        hook = Recorder()
        Pipeline([]).run(hooks=[hook])
        assert hook.told == ["before run of None", "after run []"]

    def test_are_not_called_for_a_run_that_never_began(self) -> None:
        """Started, and left without a turn."""
        hook = Recorder()
        with chain(1).start(hooks=[hook]):
            pass
        assert hook.told == []

    def test_are_called_for_errors(self) -> None:
        """With what the function raised."""
        hook = Recorder()
        with pytest.raises(NodeExecutionError):
            failing().run(hooks=[hook])
        assert hook.told[-4:] == [
            "enter train",
            "leave train",
            "error train failed ValueError('bad 2')",
            "after run ['ran', 'failed', 'pending']",
        ]

    @pytest.mark.parametrize(
        "method",
        ["before_run", "before_node", "after_node", "after_run", "around_node", "enter", "exit"],
    )
    def test_that_raise_are_put_aside(self, method: str, caplog: pytest.LogCaptureFixture) -> None:
        """Logged with their traceback, listed in the result; the run goes on."""

        class Broken(Recorder):
            pass

        def broken(*_: Any) -> Any:
            raise ZeroDivisionError("broken hook")

        class BrokenManager:
            def __enter__(self) -> None:
                if method == "enter":
                    broken()

            def __exit__(self, *_: object) -> None:
                broken()

        hook, other = Broken(), Recorder()
        if method in ("enter", "exit"):
            Broken.around_node = lambda *_: BrokenManager()  # type: ignore[method-assign]
            method = "around_node"
        else:
            setattr(Broken, method, broken)
        with caplog.at_level(logging.WARNING, "linepipe.run"):
            result = chain(2).run(hooks=[hook, other])
        assert dict(result) == {"v2": 2}
        assert [(f.hook, f.event) for f in result.failed_hooks] == [(hook, method)]
        assert isinstance(result.failed_hooks[0].error, ZeroDivisionError)
        assert f"the hook Broken failed in {method} and is put aside" in caplog.text
        assert "ZeroDivisionError: broken hook" in caplog.text
        assert len(other.told) == 10

    def test_take_no_part_in_a_nodes_seconds(self) -> None:
        """They know them when they leave, and not before."""
        told: list[float | None] = []

        class Looking(Hook):
            @contextmanager
            def around_node(self, step: Step) -> Iterator[None]:
                told.append(step.seconds)
                yield
                told.append(step.seconds)

        step = chain(1).run(hooks=[Looking()]).steps[0]
        assert told == [None, step.seconds]
        assert step.seconds is not None

    def test_are_given_as_a_list(self) -> None:
        """One alone is told how."""
        hook: Any = Recorder()
        with pytest.raises(TypeError, match=r"write hooks=\[...\]"):
            chain(1).run(hooks=hook)

    def test_cannot_swallow_an_error(self) -> None:
        """A context manager that says True changes nothing."""

        class Swallow(Hook):
            def around_node(self, step: Step) -> AbstractContextManager[object]:
                import contextlib

                return contextlib.suppress(Exception)

        with pytest.raises(NodeExecutionError):
            failing().run(hooks=[Swallow()])

    @pytest.mark.parametrize(
        ("hook", "mended"),
        [(Recorder, r"give Recorder\(\)"), (print, "give an instance of a Hook")],
    )
    def test_must_be_hooks(self, hook: Any, mended: str) -> None:
        """A class given in place of its instance would watch nothing."""
        ran: list[int] = []
        with pytest.raises(TypeError, match=mended):
            Pipeline([Node(lambda: ran.append(1), [], [])]).run(hooks=[hook])
        assert ran == []

    def test_wait_for_names_not_for_letters(self) -> None:
        """A bare string would be taken for as many names."""

        class Train(Hook):
            waits_for = "train"  # type: ignore[assignment]  # the point

        said = r"waits_for of the hook Train is the string 'train'; write \['train'\]"
        with pytest.raises(TypeError, match=said):
            chain(1).run(hooks=[Train()])

    def test_an_interrupt_in_one_passes(self) -> None:
        """And the others' context managers are closed."""

        class Interrupting(Hook):
            def around_node(self, step: Step) -> AbstractContextManager[object]:
                raise KeyboardInterrupt

        first = Recorder()
        with pytest.raises(KeyboardInterrupt):
            chain(1).run(hooks=[first, Interrupting()])
        assert "leave add1" in first.told


class TestSubclasses:
    """A Hook subclass that could never do what it says is refused when it is made."""

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("befor_node", "before_node"),
            ("after_nodes", "after_node"),
            ("afetr_run", "after_run"),
            ("on_node_eror", "on_node_error"),
            ("around_nod", "around_node"),
            ("before_node_run", "before_node"),
            ("after_pipeline_run", "after_run"),
            ("run_before_node_execution", "before_node"),
        ],
    )
    def test_a_misspelt_method_is_refused(self, name: str, meant: str) -> None:
        """Nothing would ever call it."""
        with pytest.raises(TypeError, match=f"the hook Own has a method '{name}'") as caught:
            type("Own", (Hook,), {name: lambda *_: None})
        assert f"did you mean '{meant}'?" in str(caught.value)

    def test_helpers_of_its_own_are_taken(self) -> None:
        """Private ones by any name, public ones by another."""

        class Own(Hook):
            def _before_nodes(self) -> None: ...

            def report(self) -> None: ...

        assert chain(1).run(hooks=[Own()]).failed_hooks == ()

    def test_an_async_method_is_refused(self) -> None:
        """Nobody would await it."""

        async def before_node(self: Any, step: Step) -> None: ...

        with pytest.raises(TypeError, match="before_node of the hook Own is async"):
            type("Own", (Hook,), {"before_node": before_node})

        async def opened(self: Any, step: Step) -> Any:
            yield

        for around in (opened, asynccontextmanager(opened)):
            with pytest.raises(TypeError, match="around_node of the hook Own is async"):
                type("Own", (Hook,), {"around_node": around})

    def test_a_generator_is_refused(self) -> None:
        """Calling it runs nothing."""

        def opened(self: Any, step: Step) -> Iterator[None]:
            yield

        with pytest.raises(TypeError, match=r"@contextlib\.contextmanager"):
            type("Own", (Hook,), {"around_node": opened})
        with pytest.raises(TypeError, match="after_node of the hook Own is a generator"):
            type("Own", (Hook,), {"after_node": opened})
        type("Own", (Hook,), {"around_node": contextmanager(opened)})


class Equal(Hook):
    """Equal to every hook, or to none and not to be asked."""

    def __init__(self, answer: bool | None) -> None:
        self.answer = answer
        self.n_calls = 0

    def __eq__(self, other: object) -> bool:
        if self.answer is None:
            raise ValueError("ambiguous, as the comparison of two arrays")
        return self.answer

    __hash__ = None  # type: ignore[assignment]  # as of a dataclass

    def before_node(self, step: Step) -> None:
        self.n_calls += 1
        raise ZeroDivisionError


@pytest.mark.parametrize("answer", [True, False, None])
def test_hooks_are_told_apart_by_identity(answer: bool | None) -> None:
    """A hook that is equal to another, or can't be compared, ends no run."""
    first, second = Equal(answer), Equal(answer)
    result = chain(3).run(hooks=[first, second])
    one, other = result.failed_hooks
    assert one.hook is first
    assert other.hook is second
    assert (first.n_calls, second.n_calls) == (1, 1)


def test_a_hook_is_put_aside_once() -> None:
    """Also if it was given twice, or fails again while its context is closed."""

    class Broken(Hook):
        @contextmanager
        def around_node(self, step: Step) -> Iterator[None]:
            yield
            raise ZeroDivisionError("leaving")

    hook = Broken()
    (failed,) = chain(2).run(hooks=[hook, hook]).failed_hooks
    assert tuple(failed) == (hook, "around_node", failed.error)
    assert isinstance(failed.error, ZeroDivisionError)
