"""WebAssembly of an exported model, run outside of a browser; its page in one; the command line."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import wasmtime

import rushlight as torch
from rushlight import nn
from rushlight.compiler import export

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network that takes an image of 8x8, its export, and what it says of two images."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10)
    )
    path = tmp_path_factory.mktemp("page") / "little.c"
    return model.eval(), export(model, torch.zeros(1, 1, 8, 8), path, wasm=True, ink=(-1, 1))


def test_webassembly_answers_as_eager_does(made):
    model, exported = made
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    store.set_wasi(wasmtime.WasiConfig())
    (file,) = [file for file in exported.files if file.suffix == ".wasm"]
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(file)))
    net = instance.exports(store)
    net["_initialize"](store)
    for seed in (1, 2):
        torch.manual_seed(seed)
        x = torch.randn(1, 1, 8, 8)
        at = net["little_array"](store, 0)
        net["memory"].write(store, x.numpy().tobytes(), at)
        assert net["little_call"](store) == 0
        at = net["little_array"](store, 1)
        got = np.frombuffer(bytes(net["memory"].read(store, at, at + 40)), np.float32)
        with torch.no_grad():
            np.testing.assert_allclose(got, model(x).numpy()[0], rtol=2e-5, atol=2e-6)


def test_the_page_is_whole_and_asks_nobody(made):
    _, exported = made
    (file,) = [file for file in exported.files if file.suffix == ".html"]
    text = file.read_text()
    assert not re.search(r"https?://|src=|href=|@import|\$[A-Z{]", text)
    assert "WIDTH = 8, HEIGHT = 8, COUNT = 10, NONE = -1.0, FULL = 1.0" in text


# Draws a line and a half circle with a pointer, and puts what is shown at the end of the page.
_DRAWN = """<script>
function point(kind, x, y) {
  const box = paper.getBoundingClientRect();
  paper.dispatchEvent(new PointerEvent(kind, {clientX: box.left + x * box.width, clientY: box.top + y * box.height}));
}
paper.setPointerCapture = () => {};
point("pointerdown", .3, .2); point("pointermove", .7, .2); point("pointermove", .4, .9); point("pointerup", .4, .9);
show();
const paperful = Array.from(seen(strokes)), said = answer(paperful);
document.body.append("PIXELS " + paperful.join(" ") + " END SAID " + said.join(" ") + " END SHOWN " +
  document.getElementById("told").textContent + " END");
</script></html>"""


@pytest.mark.skipif(
    BROWSER is None,
    reason="the page needs a browser: apt-get install chromium; the module is tested without",
)
def test_what_is_drawn_in_a_browser_is_answered(made, tmp_path):
    model, exported = made
    (file,) = [file for file in exported.files if file.suffix == ".html"]
    drawn = tmp_path / "drawn.html"
    drawn.write_text(file.read_text().replace("</html>", _DRAWN))
    dom = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/user", "--dump-dom",
         drawn.as_uri()],
        capture_output=True, text=True, timeout=100, check=True,
    ).stdout  # fmt: skip

    def found(name):
        # The script itself is in the page, too: what it has said comes last.
        return re.findall(rf"{name} ([^\"]*?) END", dom)[-1]

    pixels = torch.tensor([float(x) for x in found("PIXELS").split()]).reshape(1, 1, 8, 8)
    assert pixels.min() == -1
    assert 0 < pixels.max() <= 1
    with torch.no_grad():
        wanted = model(pixels)[0]
    said = np.array(found("SAID").split(), np.float32)
    np.testing.assert_allclose(said, wanted.numpy(), rtol=2e-5, atol=2e-6)
    assert found("SHOWN") == f"It reads a {wanted.argmax().item()}."


SCRIPT = """
import sys
import torch
from rushlight.compiler import export

if sys.argv[1:] == ["noise"]:
    export(torch.nn.functional.dropout, torch.ones(3), "noise.c")
elif sys.argv[1:]:
    export(torch.nn.Linear(2, 1), torch.ones(1, 2), sys.argv[1] + ".c")
"""


def command(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "rushlight", "export", *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_command_writes_what_a_script_exports(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = command(tmp_path, "-o", "out", "script.py", "line")
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["line.c", "line.h"]
    assert len(done.stdout.splitlines()) == 2
    for words, says in (
        (["script.py"], "script.py has exported nothing"),
        (["script.py", "noise"], "random numbers"),
    ):
        failed = command(tmp_path, *words)
        assert failed.returncode
        assert failed.stderr.count("\n") == 1
        assert says in failed.stderr
