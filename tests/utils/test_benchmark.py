"""torch.utils.benchmark: what measurements say, and tables of them; under both."""

import rushlight as torch
from rushlight.utils.benchmark import Timer
from tests.parity import parity


def test_what_measurements_say():
    parity("""
        from torch.utils.benchmark import Measurement as _M, TaskSpec as _T, select_unit, trim_sigfig
        _task = _T("x", "y", label="L", sub_label="S", description="D", num_threads=2)
        shown = [
            repr(_M(10, times, task)).split("\\n")[1:]
            for times in ([1e-4], [1e-4] * 5, [1e-4, 2e-4, 3e-4, 1e-4, 1e-4], [1e-4, 1.2e-4, 1.3e-4, 1e-4])
            for task in (_task, _T("x", "pass"))
        ]
        sure = [_M(1, [1 + i * s for i in range(9)], _task).significant_figures for s in (0.3, 0.1, 0.01, 0.001, 1e-4)]
        units = select_unit(3e-5), select_unit(0.2), select_unit(300.0), trim_sigfig(3.14159, 2)
        merged = [(m.number_per_run, m.raw_times) for m in _M.merge([_M(1, [1.0], _task), _M(10, [2.0], _task)])]
    """)


def test_tables():
    parity("""
        from torch.utils.benchmark import Compare as _C, Measurement as _M, TaskSpec as _T
        _rows = [(1, "a", "A", 1), (2, "a", "B", 1), (3, "b", "A", 1), (5, "b", "B", 4), (700, "cc", "long", 4)]
        _all = [
            _M(10, [t * 1e-4], _T("x", "y", label="L", sub_label=s, description=d, num_threads=n))
            for t, s, d, n in _rows
        ]
        tables = [str(_C(_all))]
        for _rowwise in (False, True):
            _c = _C(_all)
            _c.trim_significant_figures()
            _c.colorize(rowwise=_rowwise)
            _c.highlight_warnings()
            tables.append(str(_c))
    """)


def test_a_statement_is_timed():
    timer = Timer("y = x + 1", "x = torch.ones(2)", num_threads=1)
    assert timer.timeit(20).number_per_run == 20
    assert timer.blocked_autorange(min_run_time=0.01).median > 0
    assert timer.adaptive_autorange(min_run_time=0.001, max_run_time=0.02).median > 0
    assert torch.get_num_threads() >= 1
