"""The page: opened in a browser, stepped through, and its numbers held against the tensors'."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight.cli.paging import OneStep
from rushlight.errors import MissingExtraError
from rushlight.visual import page, watch
from rushlight.visual.records import Operation
from rushlight.visual.stepping import writing
from rushlight.visual.stepping.marks import marks
from rushlight.visual.stepping.story import Story
from rushlight.visual.stepping.summary import look

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 6)
        self.block = nn.Sequential(nn.ReLU(), nn.BatchNorm1d(6), nn.Linear(6, 3))

    def forward(self, x):
        return self.block(self.fc1(x))


def step(net, optimizer, x, target):
    loss = F.cross_entropy(net(x), target)
    loss.backward()
    optimizer.step()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    torch.manual_seed(0)
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    x, target = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    path = page(
        step,
        tmp_path_factory.mktemp("page") / "step.html",
        net,
        optimizer,
        x,
        target,
        title="a < b",
    )
    return net, path


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None:
        pytest.skip(
            "the page needs a browser: apt-get install chromium; its data is tested without"
        )
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=BROWSER, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def opened(browser, written):
    tab = browser.new_page(viewport={"width": 1200, "height": 800})
    asked, wrong = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.goto(written[1].as_uri())
    tab.wait_for_selector("html[data-ready]")
    yield tab
    assert not wrong
    assert asked == [written[1].as_uri()]
    tab.close()


def numbers(tab, role):
    """The numbers in the card of this role."""
    cells = tab.locator(f'.value:has(.role:text-is("{role}")) td').evaluate_all(
        "tds => tds.map(td => td.dataset.v)"
    )
    return np.array(cells, np.float32)


def test_gradients_are_read_off_the_page(opened, written):
    net, _ = written
    for name, p in net.named_parameters():
        opened.locator("#search").fill(f"{name} linear" if "fc1" in name else name)
        opened.keyboard.press("Enter")
        if opened.locator(".phase").inner_text().lower() != "backward":
            opened.keyboard.press("b")
        assert opened.locator(".phase").inner_text().lower() == "backward"
        seen = numbers(opened, f"gradient of {name}")
        np.testing.assert_array_equal(seen, p.grad.numpy().ravel())


def test_stepping_by_keys(opened):
    counter, title = opened.locator("#counter"), opened.locator("#detail h2")
    assert title.inner_text() == "a < b"
    opened.keyboard.press("ArrowRight")
    assert (counter.inner_text()[:3], title.inner_text()) == ("1 /", "linear")
    assert opened.locator(".node.lit .face").count() == 1
    assert "self.block(self.fc1(x))" in opened.locator(".code .here").first.inner_text()
    assert opened.locator("math").count() >= 4
    opened.keyboard.press("ArrowDown")
    assert opened.locator(".phase").inner_text().lower() == "backward"
    assert title.inner_text() == "cross_entropy"
    opened.keyboard.press("ArrowRight")
    assert opened.locator("details.op").count() >= 3
    opened.locator("details.op summary").first.click()
    # The browser tells of what was opened a moment later.
    opened.locator("details.op .value").nth(1).wait_for()
    assert opened.locator("details.op .value").count() >= 2
    opened.keyboard.press("ArrowLeft")
    assert title.inner_text() == "cross_entropy"
    opened.keyboard.press("ArrowDown")
    assert opened.locator(".phase").inner_text().lower() == "update"
    assert title.inner_text() == "fc1.weight"
    opened.keyboard.press("Home")
    assert title.inner_text() == "a < b"


def test_modules_close_and_open(opened):
    assert opened.locator(".node[data-id^=s]").count() == 5
    opened.keyboard.press("c")
    assert opened.locator(".node[data-id^=s]").count() == 1
    opened.keyboard.press("ArrowRight")
    assert opened.locator(".node[data-id^=s]").count() > 1
    assert opened.locator(".node.lit").count() == 1


def test_a_phone_and_the_dark(opened):
    opened.set_viewport_size({"width": 390, "height": 800})
    opened.keyboard.press("t")
    assert opened.evaluate("document.documentElement.dataset.theme") == "dark"
    opened.keyboard.press("ArrowRight")
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    assert opened.locator("#counter").bounding_box()["x"] + 20 < 390


def test_the_file_is_whole_and_names_its_licences(written):
    text = written[1].read_text()
    assert not re.search(r"(?:src|href)=|@import|url\((?!data:|#)|fetch\(|XMLHttp", text)
    assert "Chris Pettitt" in text
    assert "SIL Open Font License" in text
    assert "<title>a &lt; b</title>" in text
    assert written[1].stat().st_size < 1_000_000


# ---- without a browser ----------------------------------------------------------------------------


def test_the_story_of_a_run():
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    with watch() as run:
        y = w * 2
        y += 1
        (y * y).sum().backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
    story = Story(run, "", "").data
    told = [(s["p"], s.get("name")) for s in story["steps"] if not s.get("minor")]
    assert told == [
        ("f", "mul"), ("f", "add"), ("f", "mul"), ("f", "sum"),
        ("b", None), ("b", None), ("b", None), ("b", None), ("g", None), ("u", None),
    ]  # fmt: skip
    # The change in place is one step, whose result the next one takes.
    assert story["steps"][2]["in"] == [story["steps"][1]["out"][0]] * 2
    assert story["values"][story["steps"][1]["out"][0]]["st"][:2] == [-3, 3]
    update = story["steps"][-1]
    assert story["values"][update["grad"]]["n"] == "w.grad"
    assert all(
        0 <= v < len(story["values"])
        for s in story["steps"]
        for v in (*s.get("in", ()), *s.get("out", ()))
        if isinstance(v, int)
    )


def test_a_loss_after_the_forward(tmp_path):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    model = nn.Linear(2, 1)
    loss = (torch.exp(w).relu() * w + model(w)).sum()
    path = page(loss, tmp_path / "loss.html")
    text = path.read_text()
    assert "rushlight.visual.watch()" in text
    assert '"n":"weight"' in text
    assert w.grad is None
    loss.backward()
    assert w.grad is not None
    # What the first backward has freed is said to be gone.
    assert "freed" in page(loss, path).read_text()


def test_what_cannot_be_shown_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "out.html"
    with pytest.raises(TypeError, match="a function that takes a step, got int"):
        page(3, path)
    with pytest.raises(ValueError, match="nothing that this tensor was computed from"):
        page(torch.ones(2), path)
    with pytest.raises(ValueError, match="no operation ran"):
        page(lambda: None, path)
    ran = []
    for bad, error in (
        (tmp_path / "no" / "out.html", FileNotFoundError),
        (tmp_path, IsADirectoryError),
    ):
        with pytest.raises(error, match=str(tmp_path)) as told:
            page(lambda: ran.append(1), bad)
        assert "partial" not in str(told.value)
    assert not ran
    monkeypatch.setitem(sys.modules, "netron", None)
    with pytest.raises(MissingExtraError, match=r"rushlight\[page\]"):
        page(torch.ones(2), path)
    assert not path.exists()


def test_a_failing_step_is_shown_up_to_where_it_failed(tmp_path):
    w = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError):
        page(lambda: (w * 2) @ torch.ones(3), tmp_path / "out.html")
    assert "raised an error" in (tmp_path / "out.html").read_text()


def test_a_loss_that_is_no_number_is_shown_as_that(browser, tmp_path):
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    with watch() as run:
        lstm = ((w - 2).log() * w / 0).sum()
        lstm.backward()
        optimizer.step()
    tab = browser.new_page()
    tab.goto(run.page(tmp_path / "log.html", title="log").as_uri())
    assert tab.locator(".big b").first.inner_text() == "nan"
    # What is called so comes first, and not each line of a file of that name.
    tab.locator("#search").fill("div")
    assert tab.locator("#found li").first.inner_text().split()[0] == "div"
    tab.close()


def test_marks():
    x = torch.tensor([[-1.0, 0.0, 2.0], [-3.0, 1.0, 4.0]], requires_grad=True)
    with watch() as run:
        h = x.relu()
        (h.log() * h).sum().backward()
    found = [(m.kind, m.text) for m in marks(run.events)]
    assert found[0] == ("dead", "1 of 3 units are zero for the whole batch behind relu")
    assert found[1] == ("infinite", "infinity in 3 of 6 elements, the output of log")
    assert found[2][0] == "nan"
    assert sum(kind == "nan" for kind, _ in found) <= 2
    with watch() as run:
        (x * 1e-20 * 1e-20).sum().backward()
    assert "vanishing" in {m.kind for m in marks(run.events)}


@pytest.mark.parametrize(
    "shape", [(), (0,), (1,), (308,), (3, 300), (2, 3, 50), (2, 30, 5, 7), (1,) * 6]
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool", "float16", "complex64"])
def test_summaries_of_all_shapes(shape, dtype):
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    facts = look(x)
    if x.size:
        wide = np.abs(x) if dtype == "complex64" else x.astype(float)
        assert facts["st"][0] == wide.min()
        assert facts["st"][1] == pytest.approx(wide.max(), rel=1e-4)
        assert facts["st"][4] == (x == 0).sum()
        assert ("x" in facts) == (x.size <= 256)
    broken = np.full(shape, np.nan, np.float32)
    assert look(broken)["st"] is None or look(broken)["st"][5] == broken.size


SCRIPT = """
import torch
torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(2):
    loss = model(torch.ones(3, 2)).square().mean()
    loss.backward()
    optimizer.step()
print("done")
"""


def test_the_command(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "rushlight", "run", "--page", "out.html", "train.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert done.stderr == "rushlight: the page of the first step is in out.html\n"
    text = (tmp_path / "out.html").read_text()
    assert "optimizer.step()" in text
    assert '"n":"weight"' in text


def test_the_watcher_of_the_command(tmp_path, capsys):
    with pytest.raises(SystemExit):
        OneStep(str(tmp_path / "out.txt"))
    refusal = capsys.readouterr().err
    assert refusal.count("\n") == 1
    assert "HTML" in refusal
    without = OneStep(str(tmp_path / "no.html"))
    without.watch()
    without.report()
    assert "no backward ran" in capsys.readouterr().err
    # A step by hand ends with the next backward; what was computed for that one is left out.
    by_hand = OneStep(str(tmp_path / "hand.html"))
    by_hand.watch()
    torch.ones(3).exp()
    w = torch.ones(2, requires_grad=True)
    for _ in range(2):
        (w * 3).sum().backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
    by_hand.report()
    assert "the page of the first step" in capsys.readouterr().err
    events = by_hand.run.events
    assert [e.name for e in events if isinstance(e, Operation) and e.phase == "forward"] == [
        "mul",
        "sum",
    ]


def test_a_very_large_run_leaves_maps_out(monkeypatch):
    monkeypatch.setattr(writing, "_MOST", 1000)
    with watch() as run:
        w = torch.ones(40, 40, requires_grad=True)
        w.sigmoid().sum().backward()
    story = Story(run, "", "").data
    whole = sum("m" in v for v in story["values"])
    writing._json(story)
    assert 0 < sum("m" in v for v in story["values"]) < whole
    assert "left out" in story["note"]


def test_a_later_step_is_shown_and_how_far_it_moved(tmp_path, capsys):
    watcher = OneStep(str(tmp_path / "third.html"), "3")
    watcher.watch()
    layer = torch.nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    for number in range(1, 5):
        optimizer.zero_grad()
        (layer(torch.full((1, 2), float(number))).sum()).backward()
        before = layer.weight.detach().clone()
        optimizer.step()
        if number == 3:
            ratio = ((layer.weight - before).norm() / before.norm()).item()
    watcher.report()
    assert "the page of step 3 is in" in capsys.readouterr().err
    (update,) = [step for step in _data(tmp_path / "third.html")["steps"] if step["p"] == "u"]
    assert update["moved"] == pytest.approx(ratio, rel=0.05)
    late = OneStep(str(tmp_path / "late.html"), "9")
    late.watch()
    late.report()
    assert "fewer than 9 steps" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        OneStep(str(tmp_path / "none.html"), "0")


def test_a_program_that_trains_by_hand_counts_its_backwards(tmp_path, capsys):
    watcher = OneStep(str(tmp_path / "second.html"), "2")
    watcher.by_hand = True  # Other tests' optimizers may be alive.
    watcher.watch()
    w = torch.ones(2, requires_grad=True)
    for number in range(1, 4):
        (w * float(number)).sum().backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
            w.grad = None
    watcher.report()
    steps = _data(tmp_path / "second.html")["steps"]
    assert [step["name"] for step in steps if step["p"] == "f" and not step.get("minor")][:1] == [
        "mul"
    ]
    assert "2" in str(next(step for step in steps if step.get("name") == "mul")["in"])


def test_a_long_way_before_the_first_backward_is_not_kept():
    run = watch()
    run.most = 200
    with run, torch.no_grad():
        x = torch.ones(2)
        for _ in range(1000):
            x = x * 0.999
    assert len(run.events) <= 200
    assert len(run._known) <= 300


def _data(path):
    text = path.read_text()
    return json.loads(re.search(r"<script[^>]*application/json[^>]*>(.*?)</script>", text, re.S)[1])


class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, bound, x):
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp(-bound, bound), "clipped"

    @staticmethod
    def backward(ctx, g, _):
        (x,) = ctx.saved_tensors
        return None, g * (x.abs() <= ctx.bound)


@pytest.mark.parametrize("watched", [True, False])
def test_a_function_of_the_users_shows_its_lines(browser, tmp_path, watched):
    w = torch.tensor([0.2, 0.9], requires_grad=True)

    def step():
        return (Clip.apply(0.5, w)[0] ** 2).sum()

    def whole():
        step().backward()

    path = page(whole if watched else step(), tmp_path / "page.html")
    tab = browser.new_page(viewport={"width": 1200, "height": 800})
    tab.goto(path.as_uri())
    tab.wait_for_selector("html[data-ready]")
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#detail h2").inner_text() == "Clip"
    written = tab.locator("#detail").inner_text()
    assert "ctx.save_for_backward(x)" in written
    assert "g * (x.abs() <= ctx.bound)" in written
    assert "YOUR FUNCTION" in written
    if watched:
        assert "clamp(" in written
        assert "Clip.apply(0.5, w)" in written
        assert "bound = 0.5" in written
    tab.keyboard.press("b")
    assert tab.locator(".phase").inner_text().lower() == "backward"
    np.testing.assert_array_equal(numbers(tab, "gradient of w"), np.array([0.4, 0.0], np.float32))
    tab.close()


def test_a_function_that_gives_a_loss_is_stepped_through_backward_too(tmp_path):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    data = _data(page(lambda: (w * w).sum(), tmp_path / "loss.html"))
    assert [step["p"] for step in data["steps"]].count("b") == 2
    assert not any(step.get("asked") == "take" for step in data["steps"])
    assert w.grad is None


def test_a_long_loop_is_laid_out(browser, tmp_path):
    cell, out = nn.RNNCell(3, 4), nn.Linear(4, 1)

    def loss():
        h = torch.zeros(2, 4)
        for _ in range(60):
            h = cell(torch.randn(2, 3), h)
        return out(h).square().mean()

    path = page(loss, tmp_path / "loop.html")
    calls = _data(path)["calls"]
    assert {"cell", "out"} == {call["path"] for call in calls}
    tab, wrong = browser.new_page(), []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.goto(path.as_uri())
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    tab.close()
    assert not wrong
