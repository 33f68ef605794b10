import pytest

from tests.doctor.programs import HERE, examined, marks


@pytest.mark.parametrize("path", sorted((HERE / "broken").glob("*.py")), ids=lambda p: p.stem)
def test_what_is_wrong_is_said_with_the_line(path):
    report = examined(path)
    assert not report.failures
    found = {(f.kind, f.place.line if f.place else 0) for f in report}
    assert found == marks(path), str(report)
    for finding in report:
        assert min(map(len, (finding.what, finding.why, finding.advice)))


@pytest.mark.parametrize("path", sorted((HERE / "sound").glob("*.py")), ids=lambda p: p.stem)
def test_nothing_is_said_of_what_is_sound(path):
    report = examined(path)
    assert not report.failures
    assert getattr(report, "error", None) is None
    assert not list(report), str(report)
    assert report.backwards
