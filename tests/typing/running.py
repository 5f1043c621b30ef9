"""A run as editors and type checkers see it. Checked, not run."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, assert_type

from linepipe import (
    Hook,
    Node,
    NodeExecutionError,
    ObjectRegistry,
    ObjPlacement,
    Pipeline,
    Plan,
    PlanEntry,
    Reason,
    Run,
    RunResult,
    Step,
)


class Watch(Hook):
    """Every method of a hook, overridden with the types that it promises."""

    def before_run(self, run: Run) -> None:
        assert_type(run.next_node, Node | None)

    def before_node(self, step: Step) -> None:
        assert_type(step.node, Node)

    def after_node(self, step: Step) -> None:
        assert_type(step.seconds, float | None)

    def on_node_error(self, step: Step, error: BaseException) -> None:
        assert_type(step.index, int)

    def after_run(self, result: RunResult) -> None:
        assert_type(result.seconds, float)

    def around_node(self, step: Step) -> AbstractContextManager[object]:
        return nullcontext()


pipeline = Pipeline([Node(len, ["text"], ["n"])], text="four")

result = pipeline.run(outputs=["n"], hooks=[Watch()])
assert_type(result, RunResult)
assert_type(result["n"], Any)
assert_type(list(result), list[str])
assert_type(result.get("n"), Any | None)

for step in result.steps:
    assert_type(step, Step)
    assert_type(step.status, Literal["pending", "running", "ran", "reused", "failed"])
    assert_type(step.reasons, tuple[Reason, ...])
    if step.memory is not None:
        assert_type(step.memory.peak_mib, float)

try:
    pipeline.run()
except NodeExecutionError as error:
    assert_type(error.node, Node)
    assert_type(error.step, Step)
    assert_type(error.steps, tuple[Step, ...])

plan = pipeline.plan()
assert_type(plan, Plan)
for entry in plan:
    assert_type(entry, PlanEntry)

with pipeline.start() as run:
    assert_type(run, Run)
    for step in run:
        assert_type(step, Step)
    assert_type(run.registry, ObjectRegistry)
    assert_type(run.finish(), RunResult)

with pipeline.get_obj_registry() as registry:
    assert_type(registry, ObjectRegistry)
    assert_type(registry.get("n"), Any)
    assert_type(registry.get("n", int), int)
    assert_type(registry.placement, dict[str, ObjPlacement])
    assert_type(registry.keys(), list[str])
    assert_type(registry.has("n"), bool)
    assert_type("n" in registry, bool)

try:
    pipeline.run()
except NodeExecutionError as error:
    assert_type(error.inputs, dict[str, Any])
