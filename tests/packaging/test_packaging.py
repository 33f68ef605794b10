"""What is published: every file of the package, on the Pythons that are promised, and in order."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import rushlight
from rushlight.version import RUSHLIGHT

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())


def test_every_file_of_the_package_goes_into_the_wheel():
    package = ROOT / "src/rushlight"
    globs = PROJECT["tool"]["setuptools"]["package-data"]["rushlight"]
    others = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert others
    missing = [path for path in others if not any(fnmatch.fnmatch(path, glob) for glob in globs)]
    assert missing == []


def test_version_changelog_and_licence():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    first = re.search(r"^## (\S+) \((unreleased|\d{4}-\d\d-\d\d)\)$", changelog, re.MULTILINE)
    assert first is not None
    assert first[1] == RUSHLIGHT
    assert rushlight.__version__.endswith(f"+rushlight{RUSHLIGHT}")
    assert PROJECT["project"]["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_the_workflow_tries_every_python_that_is_promised():
    project = PROJECT["project"]
    named = {c.rpartition(" ")[2] for c in project["classifiers"] if re.search(r":: 3\.\d+$", c)}
    matrix = WORKFLOW["jobs"]["smoke"]["strategy"]["matrix"]
    assert {python.rstrip("t") for python in matrix["python"]} == named
    least = project["requires-python"].removeprefix(">=")
    assert least in named
    assert PROJECT["tool"]["mypy"]["python_version"] == least
    numpy = next(d for d in project["dependencies"] if d.startswith("numpy"))
    oldest = numpy.removeprefix("numpy>=")
    assert {"python": least, "numpy": f"numpy=={oldest}.*", "os": "ubuntu-latest"} in matrix[
        "include"
    ]
    assert [d.partition(">")[0] for d in project["dependencies"]] == ["numpy", "scipy", "ml_dtypes"]
    for job in WORKFLOW["jobs"].values():
        for step in job["steps"]:
            for script in re.findall(r"tests/\S+\.py", step.get("run", "")):
                assert (ROOT / script).exists()


@pytest.mark.parametrize("script", ["smoke.py", "train.py"])
def test_what_the_workflow_runs(script):
    command = ["-m", "rushlight", "run"] if script == "train.py" else []
    path = ROOT / "tests/packaging" / script
    done = subprocess.run(
        [sys.executable, *command, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("ok" if script == "smoke.py" else "0.000001")


def test_extras_are_known_to_the_tests():
    extras = PROJECT["project"]["optional-dependencies"]
    listed = re.search(r"rushlight\[(.*)\]", extras["test"][0])
    assert listed is not None
    assert set(listed[1].split(",")) == set(extras) - {"test"}
