"""What a person sees of an error in a program, of `rushlight` alone, and of what shells complete."""

import shutil
import subprocess
import sys
import traceback

import pytest

import rushlight
from rushlight.cli import main, tracebacks

MISTAKE = """\
import torch


def loss_of(model):
    return model(torch.ones(2, 3)).sum()


loss_of(torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(4, 1)))
"""


def run(*arguments, **options):
    command = [sys.executable, "-m", "rushlight", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def mistake(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(MISTAKE)
    return path


def frames(shown):
    return [line.strip() for line in shown.stderr.splitlines() if line.startswith("  File ")]


def test_a_traceback_ends_at_the_users_line(mistake):
    shown = run("run", mistake)
    assert shown.returncode == 1
    assert frames(shown) == [
        f'File "{mistake}", line 8, in <module>',
        f'File "{mistake}", line 5, in loss_of',
    ]
    assert "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x1)" in shown.stderr
    assert "inside of rushlight left out" in shown.stderr


def test_all_frames_are_shown_on_request(mistake):
    whole = run("run", "--full-traceback", mistake)
    assert len(frames(whole)) > 5
    assert "left out" not in whole.stderr


def caught(action):
    try:
        action()
    except Exception as error:
        return error
    raise AssertionError("no error")


def test_the_error_stays_as_it_is(capsys):
    def fail():
        try:
            rushlight.ones(2) @ rushlight.ones(3)
        except RuntimeError as error:
            raise ValueError("from there") from error

    error = caught(fail)
    before = traceback.format_exception(error)
    tracebacks.print_error(error)
    assert traceback.format_exception(error) == before
    shown = capsys.readouterr().err
    assert "rushlight/ops" not in shown
    assert "from there" in shown
    assert shown.count("Traceback") == 2


def test_what_rushlight_did_not_mean_to_raise_is_shown_whole():
    def broken(*arrays):
        return rushlight.nn.functional.linear(object(), None)

    trace = caught(broken).__traceback__
    assert tracebacks.shortened(trace) == (trace, 0) or tracebacks.shortened(trace)[1] > 0
    own = caught(lambda: rushlight.core.doors.apply(None, rushlight.ones(1))).__traceback__
    assert tracebacks.shortened(own) == (own, 0)


def test_a_program_with_a_hook_of_its_own_gets_the_whole(mistake):
    hook = "import sys; sys.excepthook = lambda kind, error, trace: print('mine', kind.__name__)\n"
    mistake.write_text(hook + MISTAKE)
    shown = run("run", mistake)
    assert shown.stdout == "mine RuntimeError\n"
    assert shown.stderr == ""


# ---- alone, and completed -------------------------------------------------------------------------


def test_alone_it_says_what_it_is_and_what_can_be_done(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("rushlight ")
    assert "C compiler" in shown
    assert shown.count("\n  rushlight ") == 3
    assert len(shown.splitlines()) < 10


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "--draw" in script or "draw" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_bash_completes_commands_options_and_files(tmp_path, capsys):
    main(["completion", "bash"])
    (tmp_path / "completion").write_text(capsys.readouterr().out)
    (tmp_path / "train.py").touch()

    def completed(*words):
        line = (
            f"source ./completion; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
            "_shtab_rushlight; echo ${COMPREPLY[@]}"
        )
        shown = subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path, check=True
        )
        return shown.stdout.split()

    assert completed("rushlight", "ru") == ["run"]
    assert "--draw" in completed("rushlight", "run", "--d")
    assert completed("rushlight", "run", "tr") == ["train.py"]


def test_a_shell_that_is_not_known_is_refused_in_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        main(["completion", "csh"])
    assert end.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
