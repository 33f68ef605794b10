"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.state import enable_grad, no_grad
from rushlight.ops.complex import view_as_real
from rushlight.ops.joining import cat
from rushlight.optim.line_search import cubic_minimum, strong_wolfe
from rushlight.optim.optimizer import Optimizer, Params, State, check_options, scalar


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
        check_options(lr)
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn,
        })  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    def _gradient(self) -> Tensor:
        """All gradients in a row; a complex one is two real ones."""
        parts = []
        for p in self._params:
            g: Any = p.new_zeros(p.shape) if p.grad is None else p.grad
            g = g.to_dense() if g.is_sparse else g
            parts.append(view_as_real(g.view(-1)).view(-1) if g.is_complex() else g.view(-1))
        return cat(parts, 0)

    def _move(self, length: Any, direction: Tensor) -> None:
        """Add length * direction to the parameters."""
        start = 0
        for p in self._params:
            part = view_as_real(p) if p.is_complex() else p
            size = part.numel()
            part.add_(direction[start : start + size].reshape(part.shape), alpha=length)
            start += size

    def _line_search(
        self,
        evaluate: Callable[[], Any],
        t: Any,
        d: Tensor,
        loss: float,
        gradient: Tensor,
        slope: Tensor,
        limit: int,
    ) -> tuple[float, Tensor, Any, int]:
        """The loss, the gradient and the length of a step that is good enough; and evaluations."""
        start = [p.clone() for p in self._params]

        def at(length: Any) -> tuple[float, Tensor]:
            self._move(length, d)
            value = float(evaluate())
            found = self._gradient()
            for p, before in zip(self._params, start, strict=True):
                p.copy_(before)
            return value, found

        return strong_wolfe(at, t, d, loss, gradient, slope, limit=limit)

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Minimise until an optimum, or until max_iter or max_eval; returns the first loss."""
        if closure is None:
            raise TypeError(
                "LBFGS.step() missing 1 required positional argument: 'closure': a function that "
                "clears the gradients, computes the loss, calls backward and returns the loss"
            )
        if len(self.param_groups) != 1:
            raise AssertionError(
                f"Expected exactly one param_group, but got {len(self.param_groups)}: LBFGS has no "
                "per-parameter options"
            )
        group = self.param_groups[0]
        lr, most, small = scalar(group["lr"]), group["max_iter"], group["tolerance_change"]
        # All state stands at the first parameter, as in torch.
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        def evaluate() -> Any:
            with enable_grad():
                return closure()

        first = evaluate()
        loss = float(first)
        state["func_evals"] += 1
        gradient = self._gradient()
        if gradient.abs().max() <= group["tolerance_grad"]:
            return first
        memory = _Memory(state, group["history_size"])
        evaluations, flat = 1, False
        for iteration in range(1, most + 1):
            state["n_iter"] += 1
            opening = state["n_iter"] == 1
            d = memory.direction = -gradient if opening else memory.newton_step(gradient)
            before = memory.loss = loss
            if memory.gradient is None:
                memory.gradient = gradient.clone()
            else:
                memory.gradient.copy_(gradient)
            t = memory.t = min(1.0, 1.0 / gradient.abs().sum()) * lr if opening else lr
            slope = gradient.dot(d)
            if slope > -small:
                break
            used = 0
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                limit = group["max_eval"] - evaluations
                loss, gradient, t, used = self._line_search(
                    evaluate, t, d, loss, gradient, slope, limit
                )
                memory.t = t
            self._move(t, d)
            if group["line_search_fn"] is None and iteration != most:
                loss = float(evaluate())
                gradient = self._gradient()
                used = 1
            if group["line_search_fn"] is not None or iteration != most:
                flat = bool(gradient.abs().max() <= group["tolerance_grad"])
            evaluations += used
            state["func_evals"] += used
            if (
                evaluations >= group["max_eval"]
                or flat
                or d.mul(t).abs().max() <= small
                or abs(loss - before) < small
            ):
                break
        memory.store()
        return first


class _Memory:
    """The last steps and what they did to the gradient, read from and written to the state."""

    def __init__(self, state: State, limit: int) -> None:
        self.state, self.limit = state, limit
        self.direction: Any = state.get("d")
        self.t: Any = state.get("t")
        self.changes: list[Tensor] = state.get("old_dirs") or []
        self.steps: list[Tensor] = state.get("old_stps") or []
        self.inverse: list[Tensor] = state.get("ro") or []
        self.scale: Any = state.get("H_diag", 1)
        self.gradient: Any = state.get("prev_flat_grad")
        self.loss: Any = state.get("prev_loss")

    def newton_step(self, gradient: Tensor) -> Tensor:
        """-H g by the two-loop recursion (Nocedal and Wright, algorithm 7.4)."""
        self._remember(gradient.sub(self.gradient), self.direction.mul(self.t))
        weights = self.state.setdefault("al", [None] * self.limit)
        q = -gradient
        for i in range(len(self.changes) - 1, -1, -1):
            weights[i] = self.steps[i].dot(q) * self.inverse[i]
            q.add_(self.changes[i], alpha=-weights[i])
        r = q * self.scale
        for i, change in enumerate(self.changes):
            back = change.dot(r) * self.inverse[i]
            r.add_(self.steps[i], alpha=weights[i] - back)
        return r

    def _remember(self, change: Tensor, step: Tensor) -> None:
        """Keep what a step changed, if the curvature along it is positive."""
        curvature = change.dot(step)
        if not curvature > 1e-10:
            return
        if len(self.changes) == self.limit:
            for kept in (self.changes, self.steps, self.inverse):
                kept.pop(0)
        self.changes.append(change)
        self.steps.append(step)
        self.inverse.append(1.0 / curvature)
        self.scale = curvature / change.dot(change)

    def store(self) -> None:
        """Write everything back into the state."""
        self.state.update(
            d=self.direction, t=self.t, old_dirs=self.changes, old_stps=self.steps,
            ro=self.inverse, H_diag=self.scale, prev_flat_grad=self.gradient, prev_loss=self.loss,
        )  # fmt: skip


def _cubic_interpolate(
    x1: Any, f1: Any, g1: Any, x2: Any, f2: Any, g2: Any, bounds: tuple[Any, Any] | None = None
) -> Any:
    """Where the cubic through two points with these values and slopes is least: libraries ask by torch's name."""
    return cubic_minimum((x1, f1, g1, g1), (x2, f2, g2, g2), bounds)


def _strong_wolfe(
    obj_func: Callable[[Any, Any, Tensor], tuple[float, Tensor]],
    x: Any,
    t: Any,
    d: Tensor,
    f: float,
    g: Tensor,
    gtd: Any,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[float, Tensor, Any, int]:
    """The line search by torch's private name and arguments: obj_func(x, t, d) gives loss and gradient."""
    return strong_wolfe(
        lambda length: obj_func(x, length, d), t, d, f, g, gtd,
        sufficient=c1, curvature=c2, tolerance=tolerance_change, limit=max_ls,
    )  # fmt: skip
