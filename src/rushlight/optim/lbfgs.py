"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight._tensor import Tensor, wrap
from rushlight.autograd.state import enable_grad, no_grad
from rushlight.optim.line_search import strong_wolfe
from rushlight.optim.optimizer import Group, Optimizer, Params, check_rate


class LBFGS(Optimizer):
    """Quasi-Newton steps from the last `history_size` changes of the gradient. Nocedal 1980.

    `step` needs a closure that clears the gradients, computes the loss, calls backward and returns
    the loss; it is called several times. line_search_fn: None or "strong_wolfe".
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_rate(lr)
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn,
        })  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")

    @property
    def _params(self) -> list[Tensor]:
        params: list[Tensor] = self.param_groups[0]["params"]
        return params

    def _flat(self, arrays: list[Any]) -> Any:
        return np.concatenate([a.reshape(-1) for a in arrays])

    def _gradient(self) -> Any:
        return self._flat(
            [np.zeros_like(p._data) if p.grad is None else p.grad._data for p in self._params]
        )

    def _move(self, start: list[Any], t: float, direction: Any) -> None:
        """Set the parameters to start + t * direction."""
        offset = 0
        for p, origin in zip(self._params, start, strict=True):
            part = direction[offset : offset + origin.size].reshape(origin.shape)
            p.copy_(wrap((origin + t * part).astype(origin.dtype)))
            offset += origin.size

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Minimise until an optimum, or until max_iter or max_eval; returns the first loss."""
        if closure is None:
            raise RuntimeError(
                "LBFGS.step needs a closure that reevaluates the model and returns the loss"
            )
        group: Group = self.param_groups[0]
        # All state stands at the first parameter, as in torch.
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        def evaluate() -> tuple[Any, float]:
            with enable_grad():
                loss = closure()
            return loss, float(loss)

        first, loss = evaluate()
        evaluations = 1
        state["func_evals"] += 1
        gradient = self._gradient()
        if np.abs(gradient).max() <= group["tolerance_grad"]:
            return first
        memory = _Memory(state)
        d: Any = memory.direction
        t = memory.t
        before, loss_before = memory.gradient, memory.loss
        iterations = 0
        while iterations < group["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d = -gradient
            else:
                memory.remember(gradient - before, d * t, group["history_size"])
                d = memory.newton_step(gradient, group["history_size"])
            before, loss_before = gradient.copy(), loss
            lr = float(group["lr"])
            t = min(1.0, 1.0 / np.abs(gradient).sum()) * lr if state["n_iter"] == 1 else lr
            slope = float(gradient @ d)
            if slope > -group["tolerance_change"]:
                break
            used = 0
            if group["line_search_fn"] == "strong_wolfe":
                start = [p._data.copy() for p in self._params]

                def at(length: float, start: Any = start, d: Any = d) -> tuple[float, Any]:
                    self._move(start, length, d)
                    _, value = evaluate()
                    found = self._gradient()
                    self._move(start, 0.0, d)
                    return value, found

                loss, gradient, t, used = strong_wolfe(at, t, d, loss, gradient, slope)
                self._move(start, t, d)
            else:
                self._move([p._data.copy() for p in self._params], t, d)
                if iterations != group["max_iter"]:
                    _, loss = evaluate()
                    gradient = self._gradient()
                    used = 1
            evaluations += used
            state["func_evals"] += used
            if (
                iterations == group["max_iter"]
                or evaluations >= group["max_eval"]
                or np.abs(gradient).max() <= group["tolerance_grad"]
                or np.abs(d * t).max() <= group["tolerance_change"]
                or abs(loss - loss_before) < group["tolerance_change"]
            ):
                break
        memory.store(d, t, before, loss_before)
        return first


class _Memory:
    """The curvature pairs, read from and written to the optimizer's state."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.changes = [v._data for v in state.get("old_dirs", [])]
        self.steps = [v._data for v in state.get("old_stps", [])]
        self.inverse = [float(v) for v in state.get("ro", [])]
        self.scale = state.get("H_diag", 1)
        self.weights = [v if v is None else float(v) for v in state.get("al", [])]
        self.direction = state["d"]._data if "d" in state else None
        self.t = float(state.get("t", 0))
        self.gradient = state["prev_flat_grad"]._data if "prev_flat_grad" in state else None
        self.loss = state.get("prev_loss")

    def remember(self, y: Any, s: Any, limit: int) -> None:
        """Keep a change y of the gradient over a step s, if the curvature along it is positive."""
        curvature = float(y @ s)
        if curvature <= 1e-10:
            return
        if len(self.changes) == limit:
            for kept in (self.changes, self.steps, self.inverse):
                kept.pop(0)
        self.changes.append(y)
        self.steps.append(s)
        self.inverse.append(1.0 / curvature)
        self.scale = wrap(np.asarray(curvature / float(y @ y), y.dtype))

    def newton_step(self, gradient: Any, limit: int) -> Any:
        """-H g by the two-loop recursion (Nocedal and Wright, algorithm 7.4)."""
        q = -gradient
        weights: list[Any] = self.weights or [None] * limit
        self.weights = weights
        for i in range(len(self.changes) - 1, -1, -1):
            weights[i] = float(self.steps[i] @ q) * self.inverse[i]
            q = q - weights[i] * self.changes[i]
        r = q * np.asarray(float(self.scale), q.dtype)
        for i in range(len(self.changes)):
            back = float(self.changes[i] @ r) * self.inverse[i]
            r = r + self.steps[i] * np.asarray(weights[i] - back, q.dtype)
        return r.astype(gradient.dtype)

    def store(self, direction: Any, t: float, gradient: Any, loss: Any) -> None:
        """Write everything back into the state."""
        self.state.update(
            d=wrap(direction), t=t, old_dirs=[wrap(v) for v in self.changes],
            old_stps=[wrap(v) for v in self.steps], ro=[wrap(np.asarray(v)) for v in self.inverse],
            H_diag=self.scale, prev_flat_grad=wrap(gradient), prev_loss=loss,
        )  # fmt: skip
        if self.weights:
            self.state["al"] = [
                v if v is None else wrap(np.asarray(v, gradient.dtype)) for v in self.weights
            ]
