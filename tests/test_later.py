"""Rooms that are loaded when they are used, and torch's names for their files."""

import subprocess
import sys

import pytest

import rushlight
from tests.parity import parity

FAMILIES = {
    "bernoulli": "Bernoulli", "beta": "Beta", "binomial": "Binomial", "categorical": "Categorical",
    "cauchy": "Cauchy", "chi2": "Chi2", "dirichlet": "Dirichlet", "exp_family": "ExponentialFamily",
    "exponential": "Exponential", "gamma": "Gamma", "half_normal": "HalfNormal",
    "independent": "Independent", "laplace": "Laplace", "log_normal": "LogNormal",
    "multinomial": "Multinomial", "multivariate_normal": "MultivariateNormal", "normal": "Normal",
    "one_hot_categorical": "OneHotCategorical", "poisson": "Poisson", "studentT": "StudentT",
    "transformed_distribution": "TransformedDistribution", "uniform": "Uniform",
    "utils": "broadcast_all", "kl": "kl_divergence", "transforms": "ExpTransform",
    "constraints": "positive", "distribution": "Distribution",
}  # fmt: skip


def fresh(code: str) -> str:
    """What the code prints in a new process."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_distributions_are_there_and_not_loaded():
    assert (
        fresh("""
import sys, rushlight as torch
loaded = "rushlight.distributions.continuous" in sys.modules
print(loaded, torch.distributions.Normal(0.0, 1.0), "rushlight.distributions.continuous" in sys.modules)
""")
        == "False Normal(loc: 0.0, scale: 1.0) True"
    )


def test_what_is_not_used_is_not_imported():
    """Rooms, and modules of Python beside those that NumPy imports."""
    new = fresh("""
import sys, numpy
before = set(sys.modules)
import rushlight
run = [name for name, module in sys.modules.items() if type(module).__name__ != "Unloaded"]
print(*(name for name in run if name not in before))
""").split()
    python = {name.partition(".")[0] for name in new} - {"rushlight"}
    allowed = {
        "__future__",
        "copy",
        "dataclasses",
        "gc",
        "importlib",
        "mmap",
        "numpy",
        "org",
        "threading",
    }
    assert python <= allowed, sorted(python - allowed)
    assert not {"importlib.abc", "importlib.resources"} & set(new)
    late = (
        "optim.",
        "utils.data.",
        "fx.",
        "distributed.",
        "library.",
        "serialization.archive",
        "export.",
    )
    assert not [
        name for name in new if name.startswith(tuple(f"rushlight.{room}" for room in late))
    ]


def test_compiling_loads_no_graphs(tmp_path):
    """Where torch's names stand for rushlight's, rooms that a room loaded late may need are late, too."""
    loaded = fresh(f"""
import os, sys
os.environ["RUSHLIGHT_CACHE"] = {str(tmp_path)!r}
from rushlight.cli.finder import install
install()
import torch
torch.compile(lambda x: x + 1)(torch.ones(3))
print(*(name for name, module in sys.modules.items() if type(module).__name__ != "Unloaded"))
from torch._dynamo.backends.common import aot_autograd
from rushlight._dynamo.backends import common
assert common is sys.modules["torch._dynamo.backends.common"] and common.aot_autograd is aot_autograd
assert (common.__name__, type(common).__name__) == ("torch._dynamo.backends.common", "module")
""").split()
    assert not [
        name for name in loaded if name.startswith(("torch.fx.", "torch.profiler.profiler"))
    ]


@pytest.mark.parametrize(
    "line",
    [
        "from rushlight.distributions.normal import Normal",
        "import rushlight.distributions.normal as n; Normal = n.Normal",
        "import rushlight; Normal = rushlight.distributions.normal.Normal",
        "from rushlight.distributions import Normal",
        "from rushlight import distributions as d; Normal = d.Normal",
        "import importlib as i; Normal = i.import_module('rushlight.distributions.normal').Normal",
        "import rushlight.cli.finder as r; r.install(); from torch.distributions.normal import Normal",
        "import rushlight.cli.finder as r; r.install(); import torch; Normal = torch.distributions.Normal",
    ],
)
def test_first_import(line):
    assert fresh(f"{line}; print(Normal(1.0, 2.0))") == "Normal(loc: 1.0, scale: 2.0)"


@pytest.mark.parametrize("file", FAMILIES)
def test_torch_s_files(file):
    parity(f"""
        from torch.distributions.{file} import {FAMILIES[file]}
        import torch.distributions.{file} as _file
        same = _file.{FAMILIES[file]} is torch.distributions.{file}.{FAMILIES[file]}
        kept = _file.__spec__.name == _file.__name__
    """)


def test_two_threads_that_load_a_room_and_a_module_in_it_do_not_wait_for_each_other(tmp_path):
    room = tmp_path / "slow_room"
    room.mkdir()
    (room / "__init__.py").write_text(
        "import time\ntime.sleep(0.3)\nfrom slow_room.inner import value\n"
    )
    (room / "inner.py").write_text("value = 3\n")
    assert (
        fresh(f"""
import sys, threading, time
sys.path.insert(0, {str(tmp_path)!r})
from rushlight.later import later
room, found = later("slow_room"), []
def outer():
    found.append(room.value)
def inner():
    from slow_room.inner import value
    found.append(value)
threads = [threading.Thread(target=one, daemon=True) for one in (outer, inner)]
for thread in threads:
    thread.start()
    time.sleep(0.1)
for thread in threads:
    thread.join(10)
print(found, type(room).__name__)
""")
        == "[3, 3] module"
    )


def test_what_is_not_there_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        __import__("rushlight.distributions.nothing")
    with pytest.raises(AttributeError):
        rushlight.distributions.nothing
