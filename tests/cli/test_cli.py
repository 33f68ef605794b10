"""`rushlight run`, `rushlight info`: what a person sees."""

import subprocess
import sys

import pytest

from rushlight.cli import main

SCRIPT = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision import transforms

print(torch.__name__, sys.argv[1:], __name__)
model = nn.Linear(2, 1)
loss = F.mse_loss(model(torch.ones(3, 2)), torch.zeros(3, 1))
loss.backward()
"""


def run(*arguments, **options):
    command = [sys.executable, "-m", "rushlight", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def test_a_script_runs_with_torch_meaning_rushlight(script):
    shown = run("run", script, "--epochs", "3")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == "torch ['--epochs', '3'] __main__\n"


def test_a_module_runs(tmp_path):
    (tmp_path / "program.py").write_text("import torch; print(torch.ones(2))")
    shown = run("run", "-m", "program", cwd=tmp_path)
    assert shown.stdout == "tensor([1., 1.])\n", shown.stderr


def test_the_first_backward_is_drawn_with_names(script, tmp_path):
    shown = run("run", "--draw", tmp_path / "graph.dot", script)
    assert shown.returncode == 0, shown.stderr
    drawn = (tmp_path / "graph.dot").read_text()
    assert "model.weight" in drawn
    assert "Addmm" in drawn


def test_a_missing_name_says_which_and_what_is_nearest(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("import torch\ntorch.zeross(2)")
    shown = run("run", path)
    assert shown.returncode == 1
    assert "rushlight has no torch.zeross; nearest: torch.zeros" in shown.stderr
    path.write_text("import torch.nnn")
    assert "rushlight has no module torch.nnn; nearest: torch.nn" in run("run", path).stderr


LOOK = "print(__file__, __name__, __package__, sys.argv, sys.path[0], sys.modules['__main__'].__file__)\n"
PROGRAMS = {
    "error.py": f"import sys\n{LOOK}def f():\n    return 1 / 0\nf()\n",
    "syntax.py": "x = = 1\n",
    "interrupt.py": "raise KeyboardInterrupt\n",
    "leave.py": "import sys\nsys.exit('all is said')\n",
    "package/__init__.py": "",
    "package/part.py": f"import sys\n{LOOK}sys.exit(3)\n",
    "own_hook.py": "import sys\nsys.excepthook = lambda *e: print('mine', e[2].tb_lineno)\n1 / 0\n",
}


@pytest.mark.parametrize(
    "arguments",
    [
        ("error.py", "a", "-m"), ("./error.py",), ("syntax.py",), ("interrupt.py",), ("leave.py",),
        ("-m", "package.part", "x"), ("own_hook.py",),
    ],
)  # fmt: skip
def test_a_program_is_run_as_python_runs_it(arguments, tmp_path):
    for name, text in PROGRAMS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    command = [sys.executable, *arguments]
    python = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    ours = run("run", *arguments, cwd=tmp_path)
    assert (ours.stdout, ours.stderr) == (python.stdout, python.stderr)
    assert ours.returncode == python.returncode


def test_processes_started_anew_find_rushlight(tmp_path):
    (tmp_path / "start.py").write_text("""
import torch
import torch.multiprocessing as mp

def tell(index):
    import torchvision
    print(torch.__name__, torchvision.__name__, index)

if __name__ == "__main__":
    mp.spawn(tell, nprocs=1)
""")
    shown = run("run", "start.py", cwd=tmp_path)
    assert shown.stdout == "torch torchvision 0\n", shown.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "nowhere.py"), "there is no file nowhere.py"),
        (("run", "train"), "is train.py meant"),
        (("run", "torch.nn"), "rushlight run -m torch.nn"),
        (("run", "."), "without a __main__.py"),
        (("run", "-m", "nowhere"), "there is no module nowhere"),
        (("run", "-m", "os.path.nowhere"), "there is no module os.path.nowhere"),
        (("run", "-m", "wsgiref"), "cannot be run itself"),
        (("run",), "name a script"),
        (("run", "--lr", "1", "train.py"), "unrecognized arguments: --lr"),
        (("run", "--draw", "graph.jpg", "train.py"), "use one of .svg"),
        (("run", "--draw", "graph", "train.py"), "use one of .svg"),
        (("run", "--draw", ".", "train.py"), "this is a folder"),
        (("run", "--draw", "no/graph.dot", "train.py"), "there is no folder no"),
        (("rnu",), "is 'run' meant"),
        (("train.py",), "write rushlight run train.py"),
        (("--what",), "unrecognized arguments: --what"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments, says, tmp_path, monkeypatch, capsys):
    # In this process: what the command line refuses, it refuses before anything is changed.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr("rushlight.cli.run.install", lambda: None)
    (tmp_path / "train.py").write_text("raise AssertionError('it ran')")
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    shown = capsys.readouterr()
    assert ended.value.code in (1, 2)
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert says in shown.err


def test_help_says_what_there_is(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    for word in ("usage", "run", "info", "rushlight run train.py", "--draw"):
        assert word in shown


def test_a_drawing_never_ends_the_program(tmp_path):
    (tmp_path / "still.py").write_text("import torch; print(torch.ones(1).tolist())")
    shown = run("run", "--draw", "graph.dot", "still.py", cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (0, "[1.0]\n")
    assert shown.stderr == "rushlight: no backward ran, so that there is no graph in graph.dot\n"
    text = "import torch, os; os.rmdir('there'); torch.ones(1, requires_grad=True).sum().backward()"
    (tmp_path / "gone.py").write_text(text + "; print('on')")
    (tmp_path / "there").mkdir()
    shown = run("run", "--draw", "there/graph.dot", "gone.py", cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (0, "on\n")
    assert len(shown.stderr.splitlines()) == 1
    assert "could not be drawn" in shown.stderr


def test_an_exit_status_is_passed_on(tmp_path):
    path = tmp_path / "leave.py"
    path.write_text("import torch, sys; sys.exit(3)")
    assert run("run", path).returncode == 3


def test_info_names_what_it_computes_with():
    shown = run("info")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [
        "rushlight", "python", "numpy", "scipy", "BLAS", "threads", "system", "C", "compiles", "compiled",
    ]  # fmt: skip


def test_info_tells_of_kernels_that_are_forced(monkeypatch):
    from rushlight.compiler.installation import blas_kernels

    if not blas_kernels():
        pytest.skip("this BLAS does not say what it uses")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    assert "OPENBLAS_CORETYPE=Nehalem" in run("info").stdout
