"""Programs as C that stands alone: built by a compiler that is told C99, run on files, held against eager."""

import subprocess

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F
from rushlight import nn
from rushlight.compiler import CannotExport, export
from rushlight.compiler.build import compiler

STRICT = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror")


def answers(source, files, *more):
    """What the program prints, a row for each array."""
    program = source.with_suffix("")
    main = f"-D{source.stem.upper()}_MAIN"
    built = subprocess.run(
        [*compiler(), *STRICT, main, str(source), "-lm", "-o", str(program)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([program, *files, *more], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return [np.array(line.split(), np.float64) for line in ran.stdout.splitlines()]


def saved(folder, arrays):
    files = []
    for number, array in enumerate(arrays):
        files.append(folder / f"input{number}.npy")
        np.save(files[-1], array)
    return files


def mlp():
    return nn.Sequential(nn.Linear(20, 32), nn.Tanh(), nn.Linear(32, 5), nn.Softmax(-1))


def convolutions():
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 8, 3, bias=False),
        nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.4), nn.Flatten(), nn.Linear(72, 10), nn.GELU(),
    )  # fmt: skip
    model(torch.randn(8, 1, 8, 8))
    return model


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(30, 16)
        self.cells = nn.LSTM(16, 24, batch_first=True)
        self.attention = nn.MultiheadAttention(24, 4, batch_first=True)

    def forward(self, ids):
        read, (last, _) = self.cells(self.words(ids))
        return self.attention(read, read, read)[0], last


MODELS = {
    "mlp": (mlp, lambda: torch.randn(3, 20)),
    "convolutions": (convolutions, lambda: torch.randn(2, 1, 8, 8)),
    "reader": (Reader, lambda: torch.randint(0, 30, (2, 9))),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_answers_in_c_as_it_does_in_eval(name, tmp_path):
    torch.manual_seed(0)
    make, inputs = MODELS[name]
    model, x = make(), inputs()
    made = export(model, x, tmp_path / f"{name}.c")
    assert model.training
    model.eval()
    with torch.no_grad():
        wanted = model(x)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    rows = answers(made.files[-1], saved(tmp_path, [x.numpy()]))
    assert [list(result.shape) for result in made.results] == [list(w.shape) for w in wanted]
    for row, want in zip(rows, wanted, strict=True):
        np.testing.assert_allclose(row, want.numpy().reshape(-1), rtol=2e-5, atol=2e-6)


def classifier(make, optimizer, warm=False):
    def build(x, y):
        model = make()
        stepping = optimizer(model.parameters())

        def step(x, y):
            stepping.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            stepping.step()
            return loss

        if warm:
            step(x, y)
        return step, model, stepping

    return build


def accumulating(x, y):
    """Gradients are never set to zero."""
    model = mlp()

    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad
        return loss

    return step, model, None


def small():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64, 5),
    )  # fmt: skip


STEPS = {
    "adam": (classifier(mlp, lambda p: torch.optim.Adam(p, 1e-2)), (20,)),
    "momentum": (classifier(mlp, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9), True), (20,)),
    "images": (classifier(small, lambda p: torch.optim.AdamW(p, 1e-2)), (1, 8, 8)),
    "accumulating": (accumulating, (20,)),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_training_step_in_c_gives_eager_s_losses(name, tmp_path):
    torch.manual_seed(0)
    build, shape = STEPS[name]
    batches = [(torch.randn(16, *shape), torch.randint(0, 5, (16,))) for _ in range(3)]
    step, model, optimizer = build(*batches[0])
    before = {key: value.clone() for key, value in model.state_dict().items()}
    grads = [p.grad for p in model.parameters()]
    made = export(step, batches[0], tmp_path / f"{name}.c")
    # Nothing has been trained.
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(p.grad is g for p, g in zip(model.parameters(), grads, strict=True))
    wanted = [step(*batch).item() for _ in range(4) for batch in batches]
    files = saved(tmp_path, [np.stack([b[i].numpy() for b in batches]) for i in (0, 1)])
    got = np.concatenate(answers(made.files[-1], files, "-n", "4"))
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-6)
    assert got[-1] < got[0]
    header = made.files[0].read_text()
    assert "0_weight[" in header
    assert f"int {name}_step(const float *x, const int64_t *y" in header
    assert optimizer is None or f"extern double {name}_lr;" in header


class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 4)
        self.state = torch.zeros(1, 4)

    def forward(self, x):
        self.state = self.cell(x, self.state)
        return self.state.sum().item(), self.state[:, 1:]


def test_what_a_module_keeps_between_calls_is_kept(tmp_path):
    torch.manual_seed(0)
    model, x = Remembering(), torch.randn(4, 1, 3)
    made = export(model, x[0], tmp_path / "remembering.c")
    assert not model.state.any()
    rows = answers(made.files[-1], saved(tmp_path, [x.numpy()]))
    with torch.no_grad():
        for number, one in enumerate(x):
            total, part = model(one)
            np.testing.assert_allclose(rows[2 * number], total, rtol=1e-5)
            np.testing.assert_allclose(rows[2 * number + 1], part.numpy().reshape(-1), rtol=1e-5)


def test_the_text_is_the_same_each_time_and_names_no_folder(tmp_path):
    torch.manual_seed(0)
    model, x = convolutions(), torch.randn(2, 1, 8, 8)
    texts = []
    for folder in ("one", "two"):
        made = export(model, x, tmp_path / folder / "model.c")
        texts.append([file.read_text() for file in made.files])
    assert texts[0] == texts[1]
    assert not any(str(tmp_path) in text or "/home" in text for text in texts[0])
    source = texts[0][-1]
    for known in ("__VA_ARGS__", "__FMA__"):
        source = source.replace(known, "")
    assert not any(word in source for word in ("malloc", "#pragma", "__"))
    # Weights are there in the form in which the kernel reads them, and nothing packs them.
    assert "packed_" in source
    assert "weights_packed" not in source


def test_a_condition_that_does_not_hold_is_told(tmp_path):
    embedding = nn.Embedding(4, 2)
    made = export(embedding, torch.tensor([1, 2]), tmp_path / "words.c")
    good, bad = saved(tmp_path, [np.array([3, 0]), np.array([3, 4])])
    answers(made.files[-1], [good])
    ran = subprocess.run([tmp_path / "words", bad], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.startswith("words: stopped: ")


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (np.zeros(2, np.float64), "holds elements of another type"),
        (np.zeros(5, np.int64), "ends within an array"),
        (np.zeros(0, np.int64), "no array"),
        (None, "cannot be opened"),
    ],
)
def test_a_file_that_does_not_fit_is_an_error_in_one_line(file, says, tmp_path):
    path = tmp_path / "doubling"
    if not path.exists():
        made = export(lambda x: x * 2, torch.tensor([1, 2]), tmp_path / "doubling.c")
        answers(made.files[-1], saved(tmp_path, [np.array([3, 0])]))
    (given,) = [tmp_path / "none.npy"] if file is None else saved(tmp_path, [file])
    ran = subprocess.run([path, given], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert says in ran.stderr


def test_what_has_no_c_is_refused_by_name_and_line(tmp_path):
    x = torch.ones(3, 3)
    batches = iter([x, x, x])
    for function, says in (
        (lambda x: F.dropout(x, 0.5), "random numbers"),
        (lambda x: torch.linalg.svd(x)[1], r"linalg_svd\(x.*test_alone.py"),
        (lambda x: x + next(batches), r"__next__.*an argument"),
    ):
        with pytest.raises(CannotExport, match=says):
            export(function, x, tmp_path / "none.c")
    with pytest.raises(ValueError, match="writes NAME"):
        export(nn.Linear(2, 2), x, tmp_path / "1st.c")
    assert list(tmp_path.iterdir()) == []


def test_a_copied_option_is_a_variable(tmp_path):
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.5)

    def step(x):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    x = torch.randn(4, 2)
    made = export(step, x, tmp_path / "line.c")
    main = tmp_path / "main.c"
    main.write_text(
        '#include "line.h"\n#include <stdio.h>\nint main(void) {\n'
        "    float x[8], loss;\n    int i;\n    for (i = 0; i < 8; i++) x[i] = (float)i;\n"
        "    line_lr = 0;\n    line_step(x, &loss);\n    printf(\"%g\\n\", loss);\n"
        "    line_step(x, &loss);\n    printf(\"%g %g\\n\", loss, line_lr);\n    return 0;\n}\n"
    )  # fmt: skip
    subprocess.run(
        [*compiler(), *STRICT, str(main), str(made.files[-1]), "-lm", "-o", str(tmp_path / "line")],
        check=True,
    )
    first, second = subprocess.run(
        [tmp_path / "line"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert second == f"{first} 0"
