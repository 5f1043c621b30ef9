"""torch's tensors and modules: one adapter, by which they are copied, compared and stored.

torch is too large for CI to install (700 MB, a minute): these tests run wherever it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linepipe_core import Node, Pipeline
from linepipe_core._values.content_hash import ValueHasher
from linepipe_core._values.isolate import copy_for_reader, isolate, move_to_last_reader
from linepipe_core._values.out_of_band import dump
from linepipe_core.shelf import ObjectShelf

torch: Any = pytest.importorskip("torch", reason="torch is too large for CI to install")


def digest(value: Any) -> str:
    return ValueHasher(str, lambda _kind: True).digest(value)


KINDS: dict[str, Callable[[], Any]] = {
    "float": lambda: torch.arange(6.0).reshape(2, 3),
    "bfloat16": lambda: torch.arange(6.0).to(torch.bfloat16),
    "bool": lambda: torch.tensor([True, False]),
    "complex": lambda: torch.tensor([1 + 2j, 3j]),
    "conjugate": lambda: torch.tensor([1 + 2j, 3j]).conj(),
    "scalar": lambda: torch.tensor(3),
    "empty": lambda: torch.empty(0, 3),
    "requires grad": lambda: torch.ones(3, requires_grad=True),
    "in a graph": lambda: torch.ones(3, requires_grad=True) * 2,
    "parameter": lambda: torch.nn.Parameter(torch.ones(3)),
    "frozen parameter": lambda: torch.nn.Parameter(torch.ones(3), requires_grad=False),
    "sparse": lambda: torch.eye(3).to_sparse(),
    "transposed": lambda: torch.arange(6.0).reshape(2, 3).T,
    "large": lambda: torch.arange(30_000.0),
    "large and transposed": lambda: torch.arange(30_000.0).reshape(100, 300).T,
}


@pytest.mark.parametrize("name", KINDS)
def test_a_reader_gets_a_copy_of_its_own(name: str) -> None:
    """Written to by one reader, a tensor of the next is what was made."""
    kept = isolate([KINDS[name]()])
    spoilt, last = copy_for_reader(kept), move_to_last_reader([kept])
    with torch.no_grad():
        if spoilt.layout is torch.strided:
            spoilt.zero_()
        else:
            spoilt._values().zero_()
    assert digest(last) == digest(KINDS[name]())
    assert type(last) is type(KINDS[name]())
    assert last.requires_grad == KINDS[name]().requires_grad


@pytest.mark.parametrize("name", KINDS)
def test_a_stored_tensor_is_what_was_made(name: str, tmp_path: Path) -> None:
    """Its type, shape, values and its wish for a gradient come back."""
    with ObjectShelf(tmp_path / "shelf") as shelf:
        shelf["x"] = KINDS[name]()
        back = shelf["x"]
    assert digest(back) == digest(KINDS[name]())
    assert type(back) is type(KINDS[name]())
    with torch.no_grad():  # and it may be written to
        back.add_(back)


def test_what_a_tensor_is_counts_and_how_it_lies_in_memory_does_not() -> None:
    """Strides, offsets and views don't count; type, shape, values and requires_grad do."""
    plain = torch.arange(6.0).reshape(2, 3)
    assert digest(plain) == digest(torch.arange(8.0)[:6].view(2, 3))
    assert digest(plain) == digest(plain.T.contiguous().T)
    others = [plain.reshape(3, 2), plain.double(), plain + 1, plain.clone().requires_grad_()]
    assert len({digest(each) for each in (plain, *others)}) == 5


def test_a_tensor_that_somebody_else_sees_does_not_move() -> None:
    """A view, an array of numpy's that shares its memory: then the value kept is a copy."""
    tensor = torch.zeros(4)
    view, array = tensor.view(2, 2), torch.zeros(4).numpy()
    over_array = torch.from_numpy(array)
    kept, kept_too = isolate([tensor]), isolate([over_array])
    view.fill_(1)
    array.fill(1)
    assert move_to_last_reader([kept]).sum() == 0
    assert move_to_last_reader([kept_too]).sum() == 0


def test_a_tensor_that_nobody_else_sees_moves() -> None:
    """It isn't copied on its way to its only reader."""
    place = []

    def made() -> Any:
        tensor = torch.zeros(1000)
        place.append(tensor.data_ptr())
        return tensor

    assert move_to_last_reader([isolate([made()])]).data_ptr() == place[0]


def test_a_module_is_copied_compared_and_stored_by_its_state(tmp_path: Path) -> None:
    """Its parameters; those that two layers share stay shared."""

    def module() -> Any:
        torch.manual_seed(0)
        made = torch.nn.Sequential(torch.nn.Linear(200, 200), torch.nn.Linear(200, 200))
        made[1].weight = made[0].weight
        return made

    with ObjectShelf(tmp_path / "shelf") as shelf:
        shelf["model"] = module()
        back = shelf["model"]
    assert back[0].weight is back[1].weight
    assert digest(back) == digest(module()) == digest(copy_for_reader(isolate([module()])))
    with torch.no_grad():
        back[0].bias.add_(1)
    assert digest(back) != digest(module())


def test_a_large_tensor_lies_out_of_band() -> None:
    """Its memory isn't in the pickle, so that reading it from the shelf is a mapping."""
    pack = dump([torch.ones(20_000), torch.nn.Parameter(torch.ones(20_000))])
    assert [view.nbytes for view in pack.buffers] == [80_000, 80_000]
    assert len(pack.stream) < 1000


def test_a_pipeline_of_tensors_is_reused(tmp_path: Path) -> None:
    """Training once is enough, in whichever layout the data comes."""

    def fit(x: Any) -> Any:
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 1)
        model.weight.data += x.mean()
        return model

    def total(model: Any) -> float:
        return float(model.weight.detach().sum())

    def run(x: Any) -> list[str]:
        nodes = [Node(fit, ["x"], ["model"]), Node(total, ["model"], ["s"])]
        path = str(tmp_path / "cache")
        pipeline = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path, x=x)
        return [step.status for step in pipeline.run(reuse=True).steps]

    x = torch.arange(6.0).reshape(2, 3)
    assert run(x) == ["ran", "ran"]
    assert run(x.T.contiguous().T) == ["reused", "reused"]
    assert run(x + 1) == ["ran", "ran"]
