"""What optimizers and schedules do, explained."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from rushlight.core.tensor import TensorBase
from rushlight.explain import updates
from rushlight.explain.lines import inset, own_source, section, wrapped
from rushlight.explain.subjects import Subject, source_of
from rushlight.explain.typeset import typeset


def optimizer(what: Subject) -> Iterator[str]:
    """What a step does, and four of them."""
    import rushlight as torch

    if what.name in updates.UPDATES:
        yield from section("one step: θ a parameter, g its gradient, η the learning rate")
        for equation in updates.UPDATES[what.name]:
            yield from inset(typeset(equation))
            yield ""
    yield from section("example: θ² from θ = 1, four steps of the default settings")
    try:
        shape = (2, 2) if what.name == "Muon" else (1,)
        p = torch.nn.Parameter(torch.ones(shape))
        optimizer = what.value([p], **({"lr": 0.1} if what.name in ("SGD", "Muon") else {}))
        seen = [p.flatten()[0].item()]

        def closure() -> Any:
            optimizer.zero_grad()
            loss = p.square().sum()
            loss.backward()
            return loss

        for _ in range(4):
            optimizer.step(closure)
            seen.append(p.flatten()[0].item())
        yield "    θ: " + "  ".join(f"{value:.6g}" for value in seen)
        state = optimizer.state[p]
        kept = [k for k, v in state.items() if isinstance(v, TensorBase) and v._data_.ndim]
        yield f"    it keeps for each parameter: {', '.join(kept) or 'nothing'}"
    except Exception as error:
        yield from wrapped(f"none: {error}")
    method = what.value.__dict__.get("update") or what.value.__dict__.get("step") or what.value
    file, line, text = source_of(method)
    yield from section(f"source: {file}:{line}")
    yield from inset("\n".join(text.splitlines()[:48]))


_BARS = "▁▂▃▄▅▆▇█"


def schedule(what: Subject) -> Iterator[str]:
    """What becomes of the learning rate."""
    import rushlight as torch

    if what.name in updates.SCHEDULES:
        yield from section("the learning rate at step t")
        yield from inset(typeset(updates.SCHEDULES[what.name]))
    given = updates.GIVEN.get(what.name, "")
    yield from section(f"example: {what.name}(optimizer{', ' + given if given else ''}), from 0.1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
            plan = eval(f"_f(optimizer, {given})", {"_f": what.value, "optimizer": optimizer})
            rates = [optimizer.param_groups[0]["lr"]]
            for _ in range(11):
                optimizer.step()
                plan.step(*([1.0] if what.name == "ReduceLROnPlateau" else []))
                rates.append(optimizer.param_groups[0]["lr"])
    except Exception as error:
        yield from wrapped(f"none: {error}")
    else:
        top = max(rates)
        yield "    " + "".join(_BARS[round(7 * rate / top) if top else 0] for rate in rates)
        yield from wrapped("  ".join(f"{rate:.4g}" for rate in rates), 4)
    yield from own_source(what)
