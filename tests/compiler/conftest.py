"""What tests of compiled programs share."""

from pathlib import Path

import pytest

from rushlight.compiler import build


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where programs are kept that tests compile."""
    return tmp_path_factory.mktemp("programs")


@pytest.fixture
def quick(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs are compiled in a hurry: what they do is tested, and not how fast."""
    flags = ("-O0", *(flag for flag in build.FLAGS if flag != "-O3"))
    monkeypatch.setattr(build, "FLAGS", flags)
    monkeypatch.setenv("RUSHLIGHT_CACHE", str(programs))
