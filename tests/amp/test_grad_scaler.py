"""GradScaler("cpu"): scales, steps, overflow, growth, refusals, its state."""

import pytest

from tests.parity import parity

SETTINGS = ["init_scale=4.0", "init_scale=4.0, growth_interval=2",
            "init_scale=4.0, growth_factor=3.0, backoff_factor=0.25, growth_interval=1",
            "init_scale=3e38, growth_interval=1", "enabled=False"]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("losses", ["1, 1, 1, 1", "1, inf, 1, nan", "inf, inf, 0"])
def test_iterations(settings, losses):
    parity(f"""
        from math import inf, nan
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.5)
        scaler = torch.amp.GradScaler("cpu", {settings})
        seen = [scaler.state_dict()]
        for factor in ({losses}):
            optimizer.zero_grad()
            scaled = scaler.scale((w * factor).sum())
            scaled.backward()
            seen.append((scaled.detach(), scaler.step(optimizer), w.grad.clone()))
            scaler.update()
            seen.append((scaler.get_scale(), scaler.state_dict(), w.detach().clone()))
    """)


@pytest.mark.parametrize(
    "calls",
    ["s.unscale_(o); s.unscale_(o)", "s.step(o); s.step(o)", "s.step(o); s.unscale_(o)",
     "s.unscale_(o); s.step(o); s.update(); s.unscale_(o)", "s.update()",
     "s.step(o, closure=print)", "s.step(o); s.update(2.0)", "s.step(o); s.update(torch.ones(2))",
     "s.set_growth_factor(4.0); s.set_growth_interval(1); s.step(o); s.update()",
     "s.unscale_(o); torch.nn.utils.clip_grad_norm_([w], 0.1); s.step(o); s.update()",
     "s.load_state_dict({})", "w.grad = None; s.step(o)", "pickle.dumps(s), s.step(o), pickle.dumps(s)",
     "w.data = w.data.half(); w.grad = w.data; s.unscale_(o)"],
)  # fmt: skip
@pytest.mark.parametrize("start", ["s.scale((w * 3).sum()).backward()", "w.grad = torch.ones(2)"])
def test_order_of_calls(calls, start):
    lines = "\n            ".join(calls.split("; "))
    parity(f"""
        import pickle
        w = torch.ones(2, requires_grad=True)
        o = torch.optim.SGD([w], lr=0.5)
        s = torch.amp.GradScaler("cpu", init_scale=4.0)
        {start}
        seen = []
        def calls():
            {lines}
        try:
            calls()
        except Exception as error:
            seen.append(error.with_traceback(None))
        state = s.state_dict()
        grad = w.grad
    """)


def test_what_is_scaled():
    parity("""
        s = torch.amp.GradScaler("cpu", init_scale=4.0)
        many = s.scale([torch.ones(1), (torch.ones(2),)])
        lazy = list(s.scale(iter([torch.ones(1)])))
        half = s.scale(torch.ones(2).half())
        number = attempt(lambda: s.scale(3))
        growth = attempt(lambda: torch.amp.GradScaler("cpu", growth_factor=1.0))
        other = torch.amp.GradScaler("cpu")
        other.load_state_dict(s.state_dict())
        state = other.state_dict()
        cuda = torch.amp.GradScaler().is_enabled()
        older = torch.cuda.amp.GradScaler(enabled=False).is_enabled()
    """)
