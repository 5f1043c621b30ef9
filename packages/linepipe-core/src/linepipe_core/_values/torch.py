"""torch's tensors, and the parameters of its modules.

A tensor is copied without the graph that led to it and without its gradient, neither of which a
pickle keeps. Its content is its type, its shape, its device and its values. On the processor, a
large one lies out of band, so that reading it is a mapping. Modules count and are copied by their
state, as other objects are.
"""

from __future__ import annotations

import sys
from _weakref import getweakrefcount
from collections.abc import Callable, Mapping
from functools import partial
from sys import getrefcount
from typing import Any, Final

from linepipe_core._restore import from_buffer
from linepipe_core._values.adapter import LARGE_BYTES, Content, Copier, Memory
from linepipe_core._values.snapshot import ALONE, Rule, Snapshot, as_is

__all__ = [
    *("RANDOM", "READERS", "SAMPLERS", "SEEDED"),
    *("content_of", "copier_of", "reducers", "rule_of"),
]

SAMPLERS: Final = (
    *("torch.bernoulli", "torch.multinomial", "torch.normal", "torch.rand", "torch.rand_like"),
    *("torch.randint", "torch.randint_like", "torch.randn", "torch.randn_like"),
    "torch.randperm",
)
READERS: Final = (
    *("torch.load", "torch.hub.", "torch.jit.load", "torch.from_file"),
    *("torch.initial_seed", "torch.seed"),
    *SAMPLERS,
)
SEEDED: Final = ()
RANDOM: Final = ("torch.",)  # modules begin with random weights


def rule_of(torch: Any, kind: type) -> Rule | None:
    """A tensor moves while nobody else sees its memory, and is copied otherwise."""
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        return partial(_tensor, torch, kind)
    is_fixed = kind in (torch.device, torch.dtype, torch.layout, torch.memory_format, torch.Size)
    return as_is if is_fixed else None


def _tensor(torch: Any, kind: type, tensor: Any, alone: bool) -> Snapshot | None:
    if not _is_plain(torch, tensor):
        return None
    how = partial(_copied, torch, kind)
    moves = alone and _is_bare(tensor) and _owns_its_memory(torch, tensor)
    return _TensorSnapshot(tensor if moves else how(tensor), how)


class _TensorSnapshot(Snapshot):
    """A tensor whose memory nobody else sees."""

    __slots__ = ()

    def move(self) -> Any:
        # A reader with isolate=False may have made a view, which has the memory but not the tensor.
        is_alone = (
            getrefcount(self.value) == ALONE and _n_views(sys.modules["torch"], self.value) == 1
        )
        return self.value if is_alone else self.copy()


def _is_plain(torch: Any, tensor: Any) -> bool:
    """Return True for a dense tensor with nothing of its user's attached."""
    is_dense = tensor.layout is torch.strided and not (tensor.is_quantized or tensor.is_nested)
    return is_dense and not vars(tensor) and tensor.device.type != "meta"


def _is_bare(tensor: Any) -> bool:
    return tensor.is_leaf and tensor.grad is None and getweakrefcount(tensor) == 0


def _owns_its_memory(torch: Any, tensor: Any) -> bool:
    """Return True if nobody else can see it: no view, no array of numpy's that it was made of."""
    storage = tensor.untyped_storage()
    return bool(storage.resizable()) and _n_views(torch, tensor) == 1


def _n_views(torch: Any, tensor: Any) -> int:
    """The number of tensors over a tensor's memory, itself included; 0 if torch can't say."""
    count = getattr(torch._C, "_storage_Use_Count", None)
    storage = tensor.untyped_storage()
    return int(count(storage._cdata)) - 1 if count is not None else 0  # this one counts, too


def _copied(torch: Any, kind: type, tensor: Any) -> Any:
    private = tensor.detach().clone()
    if kind is torch.nn.Parameter:
        return kind(private, requires_grad=tensor.requires_grad)
    return private.requires_grad_(tensor.requires_grad)


def copier_of(_torch: Any, _kind: type) -> Copier | None:
    """None: what has no rule is pickled or copied by `copy.deepcopy`."""
    return None


def reducers(torch: Any) -> Mapping[type, Callable[[Any], Any]]:
    """Tensors on the processor: torch's own pickle copies their memory into the stream."""
    return dict.fromkeys((torch.Tensor, torch.nn.Parameter), partial(_reduced, torch))


def _reduced(torch: Any, tensor: Any) -> Any:
    is_plain = tensor.device.type == "cpu" and _is_plain(torch, tensor)
    if not is_plain or tensor.nbytes < LARGE_BYTES:
        return tensor.__reduce_ex__(5)
    kind = "requires grad" if tensor.requires_grad else "tensor"
    if type(tensor) is torch.nn.Parameter:
        kind = "parameter" if tensor.requires_grad else "frozen parameter"
    try:
        memory = _memory_of(torch, tensor)
    except RuntimeError:  # without numpy
        return tensor.__reduce_ex__(5)
    dtype = str(tensor.dtype).rpartition(".")[2]
    return from_buffer, (torch.__name__, memory, dtype, tuple(tensor.shape), kind)


def _memory_of(torch: Any, tensor: Any) -> Any:
    """The values as an array of bytes, in the order of their indices."""
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    return plain.reshape(-1).view(torch.uint8).numpy()


def content_of(torch: Any, kind: type) -> Content | None:
    """Dense tensors and parameters; devices, types and shapes."""
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        return Content(partial(_described, torch))
    if kind in (torch.device, torch.dtype, torch.layout, torch.memory_format):
        return Content(str, is_leaf=True, is_immutable=True)
    if kind is torch.Size:
        return Content(tuple, is_leaf=True, is_immutable=True)
    if kind is torch.Generator:
        return Content(lambda each: (str(each.device), each.get_state()))
    return None


def _described(torch: Any, tensor: Any) -> tuple[Any, ...]:
    about = (str(tensor.dtype), tuple(tensor.shape), tensor.device.type, tensor.requires_grad)
    if not _is_plain(torch, tensor):
        return *about, _parts_of_other(torch, tensor)
    return *about, Memory([_memory_of(torch, tensor)])


def _parts_of_other(torch: Any, tensor: Any) -> Any:
    """A tensor that isn't dense, or that has attributes: as its pickle keeps it."""
    if tensor.layout is torch.sparse_coo:
        whole = tensor.coalesce()
        return str(tensor.layout), whole.indices(), whole.values(), sorted(vars(tensor).items())
    if tensor.layout is torch.strided and not (tensor.is_quantized or tensor.is_nested):
        if tensor.device.type == "meta":
            return ("meta", sorted(vars(tensor).items()))
        return Memory([_memory_of(torch, tensor)]), sorted(vars(tensor).items())
    return tensor.__reduce_ex__(5)
