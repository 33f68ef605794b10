"""The examples of torch's documentation differ where the page says, and nowhere else."""

import json

from tests.conformance.documentation import FIGURE, alike, compared, examples


def test_examples():
    recorded = json.loads(FIGURE.read_text())
    differing, lines, refused = compared(examples())
    told = {
        name: answers for name, answers in differing.items() if name not in recorded["differing"]
    }
    assert told == {}
    assert lines >= recorded["lines"]
    assert refused <= recorded["refused"]


def test_what_is_alike():
    assert alike("tensor([0.1234, 100.0])", "tensor([ 0.1235,\n  100.0])")
    assert not alike("tensor([0.1234])", "tensor([0.1254])")
    assert not alike("tensor([0.1234])", "tensor([0.1234], grad_fn=<AddBackward0>)")
    assert alike("ValueError is raised: a", "ValueError is raised: b")
    assert not alike("ValueError is raised: a", "TypeError is raised: a")
