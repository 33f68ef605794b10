"""Folds, scans and softmaxes under a mask, as in torch.masked."""

import pytest

from tests.parity import parity

FOLDS = ["sum", "prod", "mean", "amax", "amin", "norm", "var", "std", "logsumexp", "median"]
PLACES = ["argmax", "argmin"]
ALONG = ["cumsum", "cumprod", "softmax", "log_softmax", "softmin", "normalize"]
MASKS = "(None, torch.tensor([[1, 0, 1], [0, 0, 0]], dtype=torch.bool), torch.tensor([1, 0, 1]))"


@pytest.mark.parametrize("name", FOLDS + PLACES)
def test_folds(name):
    first = "2.5, " if name == "norm" else ""
    whole = "(-1,)" if name == "median" else "(None,)" if name in PLACES else "(None, (), (1, 0))"
    parity(
        f"""
        results = []
        for _mask in {MASKS}:
            for _dim in (0, 1, *{whole}):
                for _keepdim in (False, True):
                    x = torch.tensor([[3.0, 1.0, 2.0], [0.5, 4.0, -1.0]], requires_grad=True)
                    y = torch.masked.{name}(x, {first}_dim, keepdim=_keepdim, mask=_mask)
                    results += [y, torch.masked.{name}(x, {first}_dim, dtype=torch.float64)]
                    if y.requires_grad:
                        y.sum().backward()
                        results.append(x.grad)
        single = torch.masked.{name}(torch.tensor(2.0), {first}0, mask=torch.tensor(True))
        half = torch.masked.{name}(torch.tensor([1.0, 2.0, 4.0]).half(), {first}0, mask=_mask)
        wrong = [attempt(lambda: torch.masked.{name}(x, {first}2))]
        wrong += [attempt(lambda: torch.masked.{name}(x, {first}1, mask=torch.ones(1, 2, 3)))]
        wrong += [attempt(lambda: torch.masked.{name}(x, {first}1, mask=torch.ones(2)))]
        """,
        grad_fn=True,
    )


@pytest.mark.parametrize("name", [*FOLDS, *PLACES, "cumsum", "cumprod"])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_integers(name, dtype):
    first = "2.5, " if name == "norm" else ""
    parity(
        f"""
        def _tried(action):
            try:
                return action()
            except Exception as error:
                return error

        x = torch.tensor([[3, 1, 2], [5, 0, 4]]).to(torch.{dtype})
        some = torch.tensor([[True, False, True], [True, True, False]])
        results = []
        for _mask in (some, some & some[0]):
            results.append(_tried(lambda: torch.masked.{name}(x, {first}1, mask=_mask)))
        """
    )


@pytest.mark.parametrize("name", ALONG)
def test_along(name):
    first = "2, " if name == "normalize" else ""
    parity(
        f"""
        results = []
        for _mask in {MASKS}:
            for _dim in (0, -1, None):
                x = torch.tensor([[3.0, 1.0, 2.0], [0.5, 4.0, -1.0]], requires_grad=True)
                y = torch.masked.{name}(x, {first}_dim, mask=_mask)
                (y * torch.tensor([1.0, 2.0, 3.0])).nansum().backward()
                results += [y, x.grad]
                results.append(torch.masked.{name}(x, {first}_dim, dtype=torch.float64))
        wrong = [attempt(lambda: torch.masked.{name}(x, {first}2))]
        wrong += [attempt(lambda: torch.masked.{name}(x, {first}1, mask=torch.ones(1, 2, 3)))]
        """,
        grad_fn=True,
    )


def test_settings():
    parity(
        """
        x = torch.tensor([[3.0, 1.0, 2.0], [0.5, 4.0, -1.0]])
        m = torch.tensor([[True, False, True], [True, True, True]])
        results = [torch.masked.norm(x, o, 1, mask=m) for o in (0, 1, float("inf"), -float("inf"))]
        for c in ({"correction": 0}, {"correction": 2}, {"unbiased": False}, {"unbiased": True}):
            results += [torch.masked.var(x, 1, mask=m, **c), torch.masked.std(x, 1, **c)]
        results += [torch.masked.var(x.half(), 1, correction=0.5, mask=m, keepdim=True)]
        results += [torch.masked.var(x + 1j, 1, correction=0.5, mask=m)]
        results += [torch.masked.var(x, 1, False, mask=m), torch.masked.std(x, None, True, mask=m)]
        results += [torch.masked.normalize(x, 2.0, 1, eps=10.0, mask=m)]
        wrong = attempt(lambda: torch.masked.var(x, unbiased=True, correction=1))
        """
    )


def test_logaddexp():
    parity(
        """
        x = torch.tensor([[3.0, 1.0, 2.0], [0.5, 4.0, -1.0]], requires_grad=True)
        y = (x * 0.5).detach().requires_grad_()
        a = torch.tensor([[True, False, True], [False, False, True]])
        b = torch.tensor([True, True, False])
        results = [torch.masked.logaddexp(x, y), torch.masked.logaddexp(x, y, input_mask=a)]
        results += [torch.masked.logaddexp(x, y, input_mask=a, other_mask=b)]
        results += [torch.masked.logaddexp(x, y, dtype=torch.float64)]
        results[1].sum().backward()
        """
    )
