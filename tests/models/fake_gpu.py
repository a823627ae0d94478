"""A GPU that only pretends: tensors that have a device, a shape and a type but no values, and what watches them.

torch's fake tensors run every operation's rules about devices and types as a GPU would; none of them computes. The
backward pass is walked here, node by node, since torch's own asks the driver of a real GPU for its streams.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import PropertyMock, patch

import torch
from lightning_fabric import Fabric
from lightning_fabric.accelerators.cpu import CPUAccelerator
from lightning_fabric.strategies.single_device import SingleDeviceStrategy
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.autograd.graph import Node, get_gradient_edge
from torch.utils._python_dispatch import TorchDispatchMode

from lia_bench.models.training.hardware import BrainFloatPrecision

GPU = torch.device("cuda", 0)
READS = {"aten::_local_scalar_dense", "aten::equal", "aten::is_nonzero", "aten::nonzero", "aten::masked_select"}
"""Operations whose result the program waits for."""
INDEXING = {"aten::index", "aten::index_put", "aten::index_put_"}
ONE_TYPE = {
    *("aten::convolution", "aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::convolution_backward"),
    *("aten::grid_sampler_2d", "aten::grid_sampler_3d"),
}
"""Operations that a GPU does on floats of one type alone, and fake tensors on any."""
UNKNOWN = {"aten::_fused_sgd_"}
"""Operations that fake tensors hand on to the GPU; they give nothing back."""


class WaitingError(AssertionError):
    """The program would wait for the GPU, or hold it up."""


class Watch(TorchDispatchMode):
    """Raises WaitingError at what makes a program wait for the GPU: values read, and copies that block.

    A copy to the GPU from memory that is not pinned blocks as well; a constant made there from numbers is one. Values
    of fake tensors on the CPU are read as 1, since no GPU is waited for.

    Attributes:
        off: whether waiting is allowed, as while a network is built and moved.
    """

    off = False

    def __torch_dispatch__(
        self, function: Any, types: Iterable[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        # Half of all calls; they are answered as the mode below answers them.
        if function is torch.ops.prim.device.default and isinstance(args[0], FakeTensor):
            return args[0].fake_device
        named = dict(kwargs or {})
        name = function._schema.name
        given = [value for value in args if isinstance(value, Tensor)]
        if name == "aten::_local_scalar_dense" and given[0].device.type == "cpu":
            return 1
        if name in ("aten::pin_memory", "aten::_pin_memory"):
            # There is no driver to pin by.
            return given[0].clone()
        if name in READS and not self.off and any(value.device.type == "cuda" for value in given):
            raise WaitingError(f"{name} waits for the GPU")
        if name in INDEXING and not self.off and _mixed(given[0], args[1]):
            raise WaitingError(f"{name} by a tensor on the CPU, which is copied")
        if name in ONE_TYPE and len({value.dtype for value in given if value.is_floating_point()}) > 1:
            raise TypeError(f"{name} is given {', '.join(str(value.dtype) for value in given)}")
        if name in UNKNOWN:
            return None
        result = function(*args, **named)
        if name in ("aten::_to_copy", "aten::copy_") and not self.off:
            origin = given[1] if name == "aten::copy_" else given[0]
            kept = bool(named.get("non_blocking")) or (name == "aten::copy_" and args[2:3] == (True,))
            if origin.device.type != result.device.type and not kept:
                raise WaitingError(f"a copy of {tuple(origin.shape)} from {origin.device} to {result.device} blocks")
        return result

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Inside, waiting is allowed."""
        with self._switched(off=True):
            yield

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, waiting raises."""
        with self._switched(off=False):
            yield

    @contextmanager
    def _switched(self, *, off: bool) -> Iterator[None]:
        before, self.off = self.off, off
        try:
            yield
        finally:
            self.off = before


def _mixed(values: Tensor, indices: Iterable[Tensor | None]) -> bool:
    return values.device.type == "cuda" and any(index is not None and index.device.type == "cpu" for index in indices)


class _Anywhere(CPUAccelerator):
    def setup_device(self, device: torch.device) -> None:
        """Take any device, without a look at it."""


def fabric_on_fake_gpu() -> Fabric:
    """Fabric in bfloat16, as the trainer sets it up for one GPU."""
    return Fabric(
        accelerator=_Anywhere(), strategy=SingleDeviceStrategy(device=GPU), plugins=[BrainFloatPrecision("cuda")]
    )


@contextmanager
def fake_gpu() -> Iterator[Watch]:
    """Inside, new tensors are fake, and there seems to be a GPU called `GPU` that knows bfloat16; it is watched."""
    with (
        patch.object(FakeTensorMode, "avoid_device_init", PropertyMock(return_value=True)),
        patch("torch.cuda.amp.common.amp_definitely_not_available", return_value=False),
        patch("torch.cuda.is_bf16_supported", return_value=True),
        patch("torch.Tensor.backward", _backward),
        patch("torch.autograd.grad", _gradients),
        patch("torch.utils.swap_tensors", _swap),
        patch.object(FakeTensorMode, "may_turn_const", return_value=False),
        # Whether cuDNN would take a grid is asked of the driver.
        torch.backends.cudnn.flags(enabled=False),
        FakeTensorMode(),
        Watch() as watch,  # type: ignore[no-untyped-call]
    ):
        yield watch


def _swap(one: Tensor, other: Tensor) -> None:
    """As torch's, by which a parameter is brought to a device; that one refuses fake tensors, which are remembered."""
    one.__dict__, other.__dict__ = other.__dict__, one.__dict__
    torch._C._swap_tensor_impl(one, other)


def _backward(root: Tensor, *_: Any, **__: Any) -> None:
    with torch.no_grad():
        _walk(root, [])


def _gradients(outputs: Any, inputs: Any, *_: Any, create_graph: bool = False, **__: Any) -> tuple[Tensor, ...]:
    (root,) = (outputs,) if isinstance(outputs, Tensor) else outputs
    wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    with torch.set_grad_enabled(create_graph):
        return _walk(root, wanted)


def _walk(root: Tensor, wanted: list[Tensor]) -> tuple[Tensor, ...]:
    """Gradients of a scalar by what is wanted; where nothing is, those of its leaves are added to their `grad`."""
    edges = [get_gradient_edge(tensor) for tensor in wanted]
    ends = {edge.node for edge in edges}
    first = get_gradient_edge(root).node
    order = _in_order(first)
    needed = {node for node in order if not ends} or _leading_to(order, ends)
    waiting: dict[Node, dict[int, Tensor]] = {first: {get_gradient_edge(root).output_nr: torch.ones_like(root)}}
    for node in order:
        arrived = waiting.get(node)
        if arrived is None or node not in needed:
            continue
        if node in ends and not any(next_node in needed for next_node, _ in node.next_functions if next_node):
            continue
        if (leaf := getattr(node, "variable", None)) is not None:
            leaf.grad = arrived[0] if leaf.grad is None else leaf.grad + arrived[0]
            continue
        for (following, number), gradient in zip(node.next_functions, _applied(node, arrived), strict=True):
            if following is None or gradient is None:
                continue
            gradient = _fitting(gradient, following._input_metadata[number], node)
            there = waiting.setdefault(following, {})
            there[number] = there[number] + gradient if number in there else gradient
    return tuple(waiting[edge.node][edge.output_nr] for edge in edges)


def _applied(node: Node, arrived: dict[int, Tensor]) -> Sequence[Tensor | None]:
    sides = node._input_metadata
    gradients = [arrived.get(number) for number in range(len(sides))]
    if hasattr(node, "apply"):
        given = [
            torch.zeros(side.shape, dtype=side.dtype, device=side.device) if gradient is None else gradient
            for side, gradient in zip(sides, gradients, strict=True)
        ]
        result = node.apply(*given)
    else:
        called: Any = node
        result = called(*gradients)
    return result if isinstance(result, tuple) else (result,)


def _fitting(gradient: Tensor, side: Any, node: Node) -> Tensor:
    """As torch's engine takes it on: of the type of what it is the gradient of, and on its device."""
    assert gradient.device == side.device, f"{node.name()}: a gradient on {gradient.device} of values on {side.device}"
    if tuple(gradient.shape) != tuple(side.shape):
        gradient = gradient.sum_to_size(side.shape)
    return gradient if gradient.dtype == side.dtype else gradient.to(side.dtype)


def _in_order(first: Node) -> list[Node]:
    """All nodes behind the first, each before those that it hands on to."""
    seen: dict[Node, None] = {first: None}
    coming: Counter[Node] = Counter()
    stack = [first]
    while stack:
        for following, _ in stack.pop().next_functions:
            if following is None:
                continue
            coming[following] += 1
            if following not in seen:
                seen[following] = None
                stack.append(following)
    order, ready = [], [first]
    while ready:
        order.append(node := ready.pop())
        for following, _ in node.next_functions:
            if following is None:
                continue
            coming[following] -= 1
            if not coming[following]:
                ready.append(following)
    return order


def _leading_to(order: list[Node], ends: set[Node]) -> set[Node]:
    leading = set(ends)
    for node in reversed(order):
        if any(following in leading for following, _ in node.next_functions):
            leading.add(node)
    return leading
