"""DistributedDataParallel: one model in several processes, each with its share of every batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rushlight import distributed, ops
from rushlight.autograd.grad_mode import is_grad_enabled, no_grad
from rushlight.base.dtypes import int32
from rushlight.nn.modules.module import Module
from rushlight.tensor import Parameter, Tensor


class DistributedDataParallel(Module):
    """Calls `module`; `backward` then averages gradients over all processes of the group.

    So every process takes the step of the whole batch, and parameters stay equal. They are those of
    rank 0 from the start; buffers are so at each forward pass. Keys of the `state_dict` begin with
    "module.".

    Args:
        module: on the CPU; at least one parameter must need a gradient.
        device_ids, output_device, dim, bucket_cap_mb, gradient_as_bucket_view, static_graph,
            check_reduction, init_sync...: as torch takes them; gradients travel all at once.
        broadcast_buffers: whether buffers follow those of rank 0.
        process_group: the default group if None.
        find_unused_parameters: parameters may be without a gradient in some processes; otherwise
            that is an error.

    Raises:
        ValueError: no group was initialized.
        RuntimeError: no parameter needs a gradient; some got none; a process has ended.

    Source: Li et al., PyTorch Distributed: Experiences on Accelerating Data Parallel Training
    (2020).

    >>> import rushlight as rl
    >>> rl.distributed.init_process_group("gloo", "tcp://localhost:1", world_size=1, rank=0)
    >>> model = rl.nn.parallel.DistributedDataParallel(rl.nn.Linear(2, 3))
    >>> list(model.state_dict()), model(rl.ones(1, 2)).shape
    (['module.weight', 'module.bias'], torch.Size([1, 3]))
    >>> rl.distributed.destroy_process_group()
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None,
                 dim: int = 0, broadcast_buffers: bool = True, init_sync: bool = True,
                 process_group: Any = None, bucket_cap_mb: Any = None,
                 find_unused_parameters: bool = False, check_reduction: bool = False,
                 gradient_as_bucket_view: bool = False, static_graph: bool = False,
                 **further: Any) -> None:
        super().__init__()
        self.process_group = distributed.group.WORLD if process_group is None else process_group
        self._size = distributed.get_world_size(process_group)
        self.module = module
        self.device = next(iter(module.parameters()), ops.empty(0)).device
        self.device_ids, self.output_device, self.dim = None, output_device, dim
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters or static_graph
        self.require_backward_grad_sync = True
        ignored = set(getattr(module, "_ddp_params_and_buffers_to_ignore", ()))
        self._shared = [p for name, p in module.named_parameters()
                        if p.requires_grad and name not in ignored]
        self._buffers_shared = [b for name, b in module.named_buffers() if name not in ignored]
        if not self._shared:
            raise RuntimeError("DistributedDataParallel is not needed when a module doesn't have "
                               "any parameter that requires a gradient.")
        self._waiting: set[int] = set()  # parameters, by number, whose gradients are to come
        if init_sync:
            self._follow([p for name, p in module.named_parameters() if name not in ignored])
            self._follow(self._buffers_shared)
        if self._size > 1:
            for number, parameter in enumerate(self._shared):
                parameter.register_post_accumulate_grad_hook(self._arrival(number))

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        if self._size == 1:
            return self.module(*inputs, **kwargs)
        if self._waiting:
            missing = [name for name, p in self.module.named_parameters()
                       if any(p is self._shared[number] for number in self._waiting)]
            raise RuntimeError("Expected to have finished reduction in the prior iteration before "
                               "starting a new one: parameters got no gradient: "
                               f"{', '.join(missing)}. Pass find_unused_parameters=True, or use "
                               "all outputs in the loss")
        if self.broadcast_buffers and self.require_backward_grad_sync:
            self._follow(self._buffers_shared)
        output = self.module(*inputs, **kwargs)
        if is_grad_enabled() and self.require_backward_grad_sync:
            self._waiting = set(range(len(self._shared)))
            if self.find_unused_parameters:
                self._waiting = self._reached(output)
        return output

    def _follow(self, tensors: list[Any]) -> None:
        """Take the values of rank 0."""
        if self._size > 1:
            with no_grad():
                for work in [distributed.broadcast(tensor, group=self.process_group, group_src=0,
                                                   async_op=True) for tensor in tensors]:
                    assert work is not None
                    work.wait()

    def _reached(self, output: Any) -> set[int]:
        """The parameters that the outputs depend on, by number."""
        nodes = [tensor.grad_fn for tensor in _tensors(output) if tensor.grad_fn is not None]
        seen, leaves = set(nodes), set()
        while nodes:
            node = nodes.pop()
            leaves.add(id(getattr(node, "variable", None)))
            new = {following for following, _ in node.next_functions if following is not None}
            nodes.extend(new - seen)
            seen |= new
        return {i for i, parameter in enumerate(self._shared) if id(parameter) in leaves}

    def _arrival(self, number: int) -> Callable[[Tensor], None]:
        def arrived(parameter: Tensor) -> None:
            if self.require_backward_grad_sync and number in self._waiting:
                self._waiting.discard(number)
                if not self._waiting:
                    with no_grad():
                        self._average()

        return arrived

    def _average(self) -> None:
        """Replace all gradients by their means over the processes."""
        has = ops.tensor([p.grad is not None for p in self._shared], dtype=int32) \
            if self.find_unused_parameters else None
        if has is not None:
            distributed.all_reduce(has, distributed.ReduceOp.MAX, group=self.process_group)
        for dtype in dict.fromkeys(p.dtype for p in self._shared):
            mine = [p for i, p in enumerate(self._shared)
                    if p.dtype == dtype and (has is None or has[i])]
            if not mine:
                continue
            flat = ops.cat([(ops.zeros_like(p) if p.grad is None else p.grad).reshape(-1)
                            for p in mine]) / self._size
            distributed.all_reduce(flat, group=self.process_group)
            for p, mean in zip(mine, flat.split([p.numel() for p in mine]), strict=True):
                _set(p, mean.reshape(p.shape))

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """A block whose backward passes only add to this process's gradients."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextmanager
    def join(self, *arguments: Any, **options: Any) -> Iterator[None]:
        """Raises NotImplementedError where processes have unequal numbers of batches to train."""
        if self._size > 1:
            raise NotImplementedError("DistributedDataParallel.join: give every process as many "
                                      "batches (DistributedSampler does)")
        yield


def _set(parameter: Parameter, mean: Tensor) -> None:
    if parameter.grad is None:
        parameter.grad = mean.clone()
    else:
        parameter.grad.copy_(mean)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
    elif hasattr(value, "__dict__"):
        yield from _tensors(vars(value))
