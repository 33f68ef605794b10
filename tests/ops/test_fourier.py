"""Fourier transforms, short-time transforms and windows against torch."""

import pytest

from tests.parity import parity

LINES = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
SPACES = [name + end for name in LINES for end in ("2", "n")]


@pytest.mark.parametrize("name", LINES + SPACES)
def test_transforms(name):
    resize = "n=5" if name in LINES else "s=(2, 5)"
    real = name.startswith(("rfft", "ihfft"))
    parity(f"""
        f = torch.fft.{name}
        x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
        inputs = [x] if {real} else [x, torch.complex(x, x * 2)]
        results = [f(i, {resize}, norm=n) for i in inputs for n in (None, "forward", "ortho")]
        results += [f(i) for i in inputs]
        sum((r.abs() ** 3).sum() for r in results).backward()
        whole = f(torch.arange(12).reshape(3, 4))
        norm = attempt(lambda: f(x, norm="none"))
        half = attempt(lambda: f(x.half()))
        kind = attempt(lambda: f(x + 1j)) if {real} else None
    """)


def test_graph():
    parity(
        """
        x = torch.randn(4, 4, requires_grad=True)
        shown = [repr(f(x)).split("grad_fn")[1] for f in (
            torch.fft.rfft, torch.fft.irfft, torch.fft.fft, torch.fft.ihfft)]
        """
    )


def test_frequencies_and_order():
    parity("""
        a = [torch.fft.fftfreq(n, d=0.5) for n in (1, 4, 5)]
        b = [torch.fft.rfftfreq(n, dtype=torch.float64) for n in (1, 4, 5)]
        x = torch.arange(20.0).reshape(4, 5).requires_grad_()
        c = [torch.fft.fftshift(x), torch.fft.fftshift(x, 1), torch.fft.ifftshift(x, (0, 1))]
        (c[0] * c[2]).sum().backward()
    """)


def test_transforms_refuse():
    parity("""
        x = torch.ones(3, 4)
        points = [attempt(lambda: torch.fft.fft(x, n)) for n in (0, -1)]
        dim = attempt(lambda: torch.fft.fft(x, dim=5))
        number = attempt(lambda: torch.fft.rfft(torch.tensor(1.0)))
        kind = attempt(lambda: torch.fft.fft(x, dim=(0,)))
        sizes = [attempt(lambda: torch.fft.fftn(x, s=s)) for s in ((0, 1), (1, 2, 3))]
        twice = attempt(lambda: torch.fft.fftn(x, dim=(0, 0)))
        length = attempt(lambda: torch.fft.fftn(x, s=(1, 2), dim=(0,)))
        axes = [attempt(lambda: f(x, dim=())) for f in (
            torch.fft.rfftn, torch.fft.irfftn, torch.fft.hfftn)]
        flat = attempt(lambda: torch.fft.fft2(torch.ones(3)))
    """)


@pytest.mark.parametrize(
    "options",
    [
        "",
        "center=False",
        "pad_mode='constant'",
        "hop_length=3, win_length=6, window=torch.hann_window(6)",
        "normalized=True, onesided=False",
    ],
)
def test_short_time(options):
    window = "" if "window" in options else ", window=torch.hann_window(8)"
    parity(f"""
        x = torch.randn(2, 40, requires_grad=True)
        y = torch.stft(x, 8{window}, return_complex=True, {options})
        one = x[0].stft(8{window}, return_complex=True, {options})
        (y.abs() ** 2).sum().backward()
    """)


def test_short_time_and_back():
    parity("""
        w = torch.hann_window(8, dtype=torch.float64)
        x = torch.randn(2, 40, dtype=torch.float64, requires_grad=True)
        y = torch.stft(x, 8, window=w, return_complex=True)
        back = [torch.istft(y, 8, window=w), y[0].istft(8, window=w, length=38)]
        full = torch.stft(x, 8, window=w, onesided=False, normalized=True, return_complex=True)
        back.append(torch.istft(full, 8, window=w, onesided=False, normalized=True))
        turned = torch.istft(full, 8, window=w, return_complex=True, normalized=True)
        (back[0] ** 3).sum().backward()
        same = torch.allclose(back[0], x)
    """)


def test_short_time_refuses():
    parity("""
        x, w = torch.ones(2, 40), torch.ones(8)
        S, I = torch.stft, torch.istft
        y = S(x, 8, window=w, return_complex=True)
        a = [attempt(lambda: S(*args, **kw)) for args, kw in (
            ((x, 8), {}),
            ((x, 80), dict(window=w, return_complex=True)),
            ((x, 8), dict(window=torch.ones(9), return_complex=True)),
            ((x, 8), dict(window=w, win_length=9, return_complex=True)),
            ((x, 8), dict(window=w, hop_length=0, return_complex=True)),
            ((x.long(), 8), dict(window=w, return_complex=True)),
            ((x.to(torch.complex64), 8), dict(window=w, onesided=True)))]
        b = [attempt(lambda: I(*args, **kw)) for args, kw in (
            ((torch.view_as_real(y), 8), dict(window=w)),
            ((y, 9), dict(window=w)),
            ((y, 8), dict(window=torch.zeros(8))),
            ((y, 8), dict(window=w, hop_length=20)),
            ((y, 8), dict(window=w, win_length=20)),
            ((y[..., :0], 8), dict(window=w)))]
    """)


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hann", "kaiser"])
def test_windows(name):
    parity(f"""
        f = torch.{name}_window
        a = [f(n, periodic) for n in (0, 1, 2, 7) for periodic in (True, False)]
        b = f(5, dtype=torch.float64, requires_grad=True)
        wrong = [attempt(lambda: f(-1)), attempt(lambda: f(3, dtype=torch.int64)),
                 attempt(lambda: f(3.5))]
        g = torch.signal.windows.{name}
        c = [g(n, sym=sym, dtype=torch.float64) for n in (0, 1, 2, 7) for sym in (True, False)]
        refused = [attempt(lambda: g(-1)), attempt(lambda: g(3, dtype=torch.float16))]
    """)


def test_more_windows():
    parity("""
        w = torch.signal.windows
        a = [w.cosine(5), w.cosine(5, sym=False), w.gaussian(6, std=0.9), w.nuttall(7),
             w.exponential(5, tau=2.0), w.exponential(5, center=1, sym=False),
             w.general_cosine(6, a=[0.4, 0.3, 0.2, 0.1]), w.general_hamming(5, alpha=0.6)]
        b = [attempt(lambda: w.gaussian(3, std=0)), attempt(lambda: w.exponential(3, tau=0)),
             attempt(lambda: w.exponential(3, center=1)), attempt(lambda: w.kaiser(3, beta=-1)),
             attempt(lambda: w.general_cosine(3, a=2)), attempt(lambda: w.general_cosine(3, a=[]))]
    """)


def test_what_is_real_is_real_to_the_last_bit():
    parity("""
        x = torch.randn(10, 6, 4)
        real = [(f(x).imag == 0).nonzero() for f in (torch.fft.fftn, torch.fft.rfftn, torch.fft.ifftn)]
    """)
