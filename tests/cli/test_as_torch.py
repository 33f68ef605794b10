"""Where rushlight stands for torch: names, metadata, and the ways to get there."""

import subprocess
import sys
from pathlib import Path

import pytest

from rushlight.cli import children, environment
from rushlight.version import __version__

LOOK = """
import importlib.metadata, importlib.util, pickle, sys
import torch, torch.nn.functional as F, torchvision.transforms
print(torch.__name__, torch.nn.__name__, F.relu.__module__, torch.add.__module__, torchvision.__name__)
print(torch.Tensor, torch.nn.Linear, torch.Size, torch.device)
print(importlib.metadata.version("torch") == torch.__version__, importlib.metadata.version("torchvision")[:4])
find = importlib.util.find_spec
print(find("torch.core"), find("torch.nothing"), find("torch.utils.data") is None, find("torch") is None)
import rushlight, rushlight.distributions.normal
print(rushlight is torch, torch.distributions.normal is rushlight.distributions.normal)
pickled = pickle.dumps(torch.nn.Linear(2, 1))
print(pickle.loads(pickled), b"torch.nn.modules.linear" in pickled)
print(torch.tensor([1 + 2j]).conj(), torch.nn.Parameter(torch.ones(1)), torch.Size([2]))
"""
SEEN = """\
torch torch.nn torch.nn.functional torch torchvision
<class 'torch.Tensor'> <class 'torch.nn.modules.linear.Linear'> <class 'torch.Size'> <class 'torch.device'>
True 0.28
None None False False
True True
Linear(in_features=2, out_features=1, bias=True) True
tensor([1.-2.j]) Parameter containing:
tensor([1.], requires_grad=True) torch.Size([2])
"""


def python(*arguments, **options):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "look.py"
    path.write_text(LOOK)
    return path


def test_under_run(program):
    shown = python("-m", "rushlight", "run", program)
    assert shown.stdout == SEEN, shown.stderr


def test_by_importing_it(program):
    text = program.read_text().replace('print(importlib.metadata.version("torch")', "0 and print(1")
    program.write_text("import rushlight.as_torch\n" + text)
    shown = python(program)
    assert shown.stdout == SEEN.replace("True 0.28\n", ""), shown.stderr


def test_in_an_environment(program, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    assert environment.main(["--site", str(site)]) == 0
    begin = f"import site; site.addsitedir({str(site)!r})\n"
    # In front of the torch that the tests are compared with.
    begin += f"import sys; sys.path.remove({children.FOLDER!r}); sys.path.insert(0, {children.FOLDER!r})\n"
    program.write_text(begin + program.read_text())
    shown = python(program)
    assert shown.stdout == SEEN, shown.stderr
    assert environment.main(["--site", str(site), "--remove"]) == 0
    assert list(site.iterdir()) == []


def test_a_torch_that_is_there_stays(tmp_path, capsys):
    (tmp_path / "torch-2.13.0.dist-info").mkdir()
    (tmp_path / "torch-2.13.0.dist-info" / "METADATA").write_text("Name: torch\nVersion: 2.13.0\n")
    assert environment.main(["--site", str(tmp_path)]) == 1
    assert "torch 2.13.0 is installed" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.pth"))


def test_pytest_takes_it_as_a_plugin(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import torch\ndef test_it():\n    assert 'rushlight' in torch.__version__\n"
    )
    shown = python("-m", "pytest", "-q", "-p", "rushlight.as_torch", tmp_path, cwd=tmp_path)
    assert "1 passed" in shown.stdout, shown.stdout + shown.stderr


def test_the_metadata_says_the_version():
    text = (Path(children.FOLDER) / "torch-2.13.0.dist-info" / "METADATA").read_text()
    assert f"Version: {__version__}\n" in text
