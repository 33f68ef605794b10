"""PyTorch's own test databases put the same questions to rushlight: a few samples of each entry.

The list of known failures is a floor that can only rise: what is not on it must pass, and what
passes must be taken off it. `python -m tests.conformance` asks with more samples.
"""

import pytest

from tests.conformance.suites import KNOWN, SUITES, known_failures

KNOWN_FAILURES = known_failures()


@pytest.mark.parametrize(
    ("suite", "name"), [(suite, name) for suite, own in SUITES.items() for name in own.subjects]
)
def test_answers_like_torch(suite, name):
    score = SUITES[suite].ask(name, count=2)
    known = KNOWN_FAILURES.get((suite, name), [])
    here = [kind for kind in known if kind.rstrip("?") in score.failed or not kind.endswith("?")]
    failed = [kind.rstrip("?") for kind in here]
    assert score.failed == failed, f"{score.failures}; {KNOWN.name} says: {', '.join(known) or '-'}"


def test_known_failures_are_subjects():
    assert [key for key in KNOWN_FAILURES if key[1] not in SUITES[key[0]].subjects] == []


def test_torch_agrees_with_itself_only(monkeypatch):
    """The questions can be failed: a library that is a little wrong does not pass."""
    import torch

    from tests.conformance import operators
    from tests.conformance.exchange import Library

    suite = SUITES["operators"]
    monkeypatch.setattr(operators, "RUSHLIGHT", Library(torch))
    assert suite.ask("addmm", count=4).failed == []
    right = torch.addmm
    monkeypatch.setattr(torch, "addmm", lambda *args, **kwargs: right(*args, **kwargs) * 1.001)
    monkeypatch.setattr(operators, "TORCH", Library(__import__("rushlight")))
    assert suite.ask("addmm", count=4).failed[:2] == ["forward", "gradient"]
