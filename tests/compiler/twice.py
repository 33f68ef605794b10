"""The same steps taken eagerly and by a program, and everything that they leave compared bit for bit."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

import rushlight as torch
from rushlight.compiler import record

Batch = tuple[Any, ...]
# A step, the batches that it takes in turn, and the objects whose state it changes.
Setting = tuple[Callable[..., Any], list[Batch], list[Any]]


def bits(tensor: torch.Tensor) -> tuple[Any, ...]:
    array = tensor.detach().resolve_conj().resolve_neg().numpy()
    return array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes()


def seen(value: Any) -> Any:
    """What is compared of a result."""
    if isinstance(value, torch.Tensor):
        return bits(value), value.requires_grad, value._version
    if isinstance(value, tuple | list):
        return [seen(part) for part in value]
    if hasattr(value, "state_dict"):
        return [seen(part) for part in vars(value).values() if _told(part)]
    return type(value).__name__ if callable(value) else repr(value)


def of_tensor(tensor: torch.Tensor) -> Any:
    grad = None if tensor.grad is None else bits(tensor.grad)
    return bits(tensor), tensor._version, tensor.requires_grad, grad


def state(things: list[Any]) -> list[Any]:
    """What the objects, and the random generator, hold."""
    found: list[Any] = [bits(torch.get_rng_state())]
    for thing in things:
        if isinstance(thing, torch.nn.Module):
            found += [(name, of_tensor(p)) for name, p in thing.named_parameters()]
            found += [(name, of_tensor(b)) for name, b in thing.named_buffers()]
        elif isinstance(thing, torch.Tensor):
            found.append(of_tensor(thing))
        elif isinstance(thing, torch.optim.Optimizer):
            for number, own in thing.state_dict()["state"].items():
                found += [(number, key, seen(value)) for key, value in own.items()]
            for group in thing.param_groups:
                found.append({k: seen(v) for k, v in group.items() if k != "params"})
        else:
            found.append({key: seen(value) for key, value in vars(thing).items() if _told(value)})
    return found


def _told(value: Any) -> bool:
    return isinstance(value, int | float | list | tuple | torch.Tensor)


def check(
    make: Callable[[], Setting],
    *,
    steps: int = 20,
    before: int = 1,
    between: Callable[[list[Any]], None] = lambda things: None,
) -> None:
    """Take some steps, record the next, replay the rest: all as if every step were taken eagerly."""

    def walk(recorded: bool) -> list[Any]:
        torch.manual_seed(0)
        step, batches, things = make()
        trace = []
        for i in range(before + 1 + steps):
            batch = batches[i % len(batches)]
            if recorded and i == before:
                result, step = record(step, *batch)
            else:
                result = step(*batch)
            trace.append((seen(result), copy.deepcopy(state(things))))
            between(things)
        return trace

    for number, (eager, replayed) in enumerate(zip(walk(False), walk(True), strict=True)):
        kind = "recorded" if number == before else "replayed" if number > before else "eager"
        assert replayed[0] == eager[0], f"the result of step {number}, {kind}"
        for one, other in zip(replayed[1], eager[1], strict=True):
            assert one == other, f"what step {number}, {kind}, has left"
