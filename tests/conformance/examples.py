"""A script: runs examples, line by line, under whatever `torch` is, and writes down what each line shows.

    python examples.py GIVEN.json FOUND.json

GIVEN is {name: [line, ...]}; FOUND the same with what the lines gave: values as they print, or the
error. An example that takes more than ten seconds is ended, its further lines are not there.
"""

import ast
import contextlib
import io
import json
import os
import random
import signal
import sys
import tempfile
import warnings

import numpy as np
import torch

SECONDS = 10


class Late(BaseException):
    """An example takes too long."""


def end(*signalled):
    raise Late


def begin():
    """What an example of torch's takes for granted."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    nn = torch.nn
    return {"torch": torch, "nn": nn, "F": nn.functional, "np": np, "__name__": "__main__"}


def show(line, names):
    """What a line prints, gives, or binds to names."""
    body = ast.parse(line).body
    value = body.pop().value if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "example", "exec"), names)
    shown = []
    if value is not None:
        result = eval(compile(ast.Expression(value), "example", "eval"), names)
        shown += [] if result is None else [repr(result)]
    bound = [t for s in body if isinstance(s, ast.Assign) for t in s.targets]
    for name in (n.id for t in bound for n in ast.walk(t) if isinstance(n, ast.Name)):
        if isinstance(tensor := names[name], torch.Tensor):
            shown.append(f"{name}: {tensor!r} {tensor.dtype} {tuple(tensor.shape)}")
    return "\n".join(shown)


def run(line, names):
    """`show`, or the error in its place."""
    printed = io.StringIO()
    silent = contextlib.redirect_stderr(io.StringIO())
    with contextlib.redirect_stdout(printed), silent, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shown = show(line, names)
        except Exception as error:
            shown = f"{type(error).__name__} is raised: {error}"
    return printed.getvalue() + shown


def main(given, found):
    """All examples of one file into the other."""
    with open(given) as file:
        examples = json.load(file)
    signal.signal(signal.SIGALRM, end)
    torch.set_num_threads(1)
    results = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, lines in examples.items():
            names, results[name] = begin(), []
            signal.alarm(SECONDS)
            with contextlib.suppress(Late):
                for line in lines:
                    results[name].append(run(line, names))
            signal.alarm(0)
    with open(found, "w") as file:
        json.dump(results, file)
        file.flush()
    # Some examples leave threads behind.
    os._exit(0)


if __name__ == "__main__":
    main(*map(os.path.abspath, sys.argv[1:]))
