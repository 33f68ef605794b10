"""Datasets of images: files found, fetched, refused; items and reprs as torchvision's."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.utils.data import DataLoader
from rushlight.vision import datasets, transforms
from rushlight.vision.datasets import STL10, folder, utils
from rushlight.vision.datasets.mnist import read_image_file, read_label_file
from tests.vision.test_idx import packed

NAMES = [name for name, _ in datasets.MNIST.resources]


def mnist_files(n_train: int = 6, n_test: int = 3) -> dict[str, bytes]:
    """Small files of MNIST's kind by name."""
    random = np.random.RandomState(0)
    files = {}
    for part, n in (("train", n_train), ("t10k", n_test)):
        images = random.randint(0, 256, (n, 28, 28)).astype(np.uint8)
        files[f"{part}-images-idx3-ubyte"] = packed(images, 8)
        files[f"{part}-labels-idx1-ubyte"] = packed(np.arange(n, dtype=np.uint8), 8)
    return files


def put(folder: Path, files: dict[str, bytes], compress: bool = False) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path / "MNIST" / "raw", mnist_files())
    return tmp_path


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("kind", [datasets.MNIST, datasets.FashionMNIST, datasets.KMNIST])
def test_mnist_and_its_relatives(tmp_path: Path, kind: Any, compress: bool) -> None:
    files = mnist_files()
    put(tmp_path / kind.__name__ / "raw", files, compress)
    train, test = kind(tmp_path), kind(str(tmp_path), train=False, download=True)
    assert (len(train), len(test)) == (6, 3)
    assert train.data.shape == (6, 28, 28)
    assert train.data.dtype is torch.uint8
    assert train.targets.dtype is torch.int64
    assert test.targets.tolist() == [0, 1, 2]
    assert train.data.numpy().tobytes() == files["train-images-idx3-ubyte"][16:]
    image, target = train[4]
    assert (image.mode, image.size, target) == ("L", (28, 28), 4)
    assert image.tobytes() == train.data[4].numpy().tobytes()
    assert len(kind.classes) == 10
    assert train.class_to_idx[kind.classes[7]] == 7
    assert train.raw_folder == f"{tmp_path}/{kind.__name__}/raw"


def test_items_go_through_the_transforms(root: Path) -> None:
    data = datasets.MNIST(
        root,
        transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]),
        target_transform=lambda target: -target,
    )
    image, target = data[5]
    assert target == -5
    expected = (data.data[5:6].numpy() / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    assert (image.numpy() == expected).all()
    images, targets = next(iter(DataLoader(data, batch_size=4)))
    assert images.shape == (4, 1, 28, 28)
    assert images.dtype is torch.float32
    assert targets.tolist() == [0, -1, -2, -3]


def test_repr(root: Path) -> None:
    data = datasets.MNIST(
        root,
        train=False,
        transform=transforms.Compose([transforms.ToTensor()]),
        target_transform=transforms.Lambda(str),
    )
    assert (
        repr(data)
        == f"""Dataset MNIST
    Number of datapoints: 3
    Root location: {root}
    Split: Test
    StandardTransform
Transform: Compose(
               ToTensor()
           )
Target transform: Lambda()"""
    )
    assert repr(datasets.FakeData(5)) == "Dataset FakeData\n    Number of datapoints: 5"


def test_older_names_warn(root: Path) -> None:
    data = datasets.MNIST(root)
    for old, new in {
        "train_data": "data",
        "test_data": "data",
        "train_labels": "targets",
        "test_labels": "targets",
    }.items():
        with pytest.warns(UserWarning, match=f"{old} has been renamed {new}"):
            assert getattr(data, old) is getattr(data, new)


def test_missing_files_say_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Dataset not found") as caught:
        datasets.MNIST(tmp_path)
    message = str(caught.value)
    wanted = [*NAMES, *datasets.MNIST.mirrors, f"{tmp_path}/MNIST/raw", "download=True"]
    assert all(part in message for part in wanted)
    put(tmp_path / "MNIST" / "raw", {k: v for k, v in mnist_files().items() if "t10k" in k})
    assert len(datasets.MNIST(tmp_path, train=False)) == 3
    with pytest.raises(RuntimeError, match="Dataset not found"):
        datasets.MNIST(tmp_path)


def test_files_that_do_not_fit(root: Path) -> None:
    raw, files = root / "MNIST" / "raw", mnist_files()
    (raw / "train-labels-idx1-ubyte").write_bytes(files["t10k-labels-idx1-ubyte"])
    with pytest.raises(ValueError, match=r"6 images and .* 3 labels"):
        datasets.MNIST(root)
    (raw / "train-labels-idx1-ubyte").write_bytes(files["t10k-images-idx3-ubyte"])
    with pytest.raises(ValueError, match=r"shape \(3, 28, 28\): that is not a file of labels"):
        datasets.MNIST(root)
    (raw / "train-images-idx3-ubyte").write_bytes(files["train-images-idx3-ubyte"][:-5])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte is not a good idx file"):
        datasets.MNIST(root)
    with pytest.raises(ValueError, match="not a file of images"):
        read_image_file(raw / "t10k-labels-idx1-ubyte")
    assert read_label_file(raw / "t10k-labels-idx1-ubyte").tolist() == [0, 1, 2]


class TestDownload:
    """MNIST is fetched from a folder on this machine."""

    @pytest.fixture
    def mirror(self, tmp_path: Path, monkeypatch: Any) -> Path:
        put(tmp_path / "mirror", mnist_files(), compress=True)
        sums = [hashlib.md5((tmp_path / "mirror" / n).read_bytes()).hexdigest() for n in NAMES]
        resources = tuple(zip(NAMES, sums, strict=True))
        monkeypatch.setattr(datasets.MNIST, "resources", resources)
        mirrors = tuple(f"{(tmp_path / name).as_uri()}/" for name in ("nowhere", "mirror"))
        monkeypatch.setattr(datasets.MNIST, "mirrors", mirrors)
        return tmp_path / "mirror"

    def test_from_the_second_mirror(self, tmp_path: Path, mirror: Path, capsys: Any) -> None:
        data = datasets.MNIST(tmp_path / "new", download=True)
        assert len(data) == 6
        assert capsys.readouterr().out.count("Downloading") == 8
        found = sorted(path.name for path in Path(data.raw_folder).iterdir())
        assert found == sorted([*NAMES, *(n.removesuffix(".gz") for n in NAMES)])
        for path in mirror.iterdir():
            path.unlink()
        assert len(datasets.MNIST(tmp_path / "new", train=False, download=True)) == 3
        assert capsys.readouterr().out == ""

    def test_a_wrong_checksum_leaves_nothing(self, tmp_path: Path, mirror: Path) -> None:
        (mirror / NAMES[1]).write_bytes(b"something else")
        with pytest.raises(RuntimeError, match=f"Error downloading {NAMES[1]}:") as caught:
            datasets.MNIST(tmp_path / "new", download=True)
        message = str(caught.value)
        assert "has the md5 sum" in message
        assert "No such file" in message
        assert f"into {tmp_path}/new/MNIST/raw" in message
        found = {path.name for path in (tmp_path / "new" / "MNIST" / "raw").iterdir()}
        assert found == {NAMES[0], NAMES[0].removesuffix(".gz")}

    def test_a_damaged_file_is_fetched_again(self, tmp_path: Path, mirror: Path) -> None:
        raw = tmp_path / "new" / "MNIST" / "raw"
        raw.mkdir(parents=True)
        (raw / NAMES[0]).write_bytes(b"half a fi")
        assert len(datasets.MNIST(tmp_path / "new", download=True)) == 6


def test_without_pillow_to_tensor_gets_an_array(root: Path, monkeypatch: Any) -> None:
    expected = datasets.MNIST(root, transform=transforms.ToTensor())[2][0]
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    got = datasets.MNIST(root, transform=transforms.ToTensor())[2][0]
    assert got.tolist() == expected.tolist()
    with pytest.raises(ImportError, match=r"pip install \"rushlight\[vision\]\""):
        datasets.MNIST(root)[0]


@pytest.mark.parametrize(
    ("kind", "names", "labels"),
    [
        (datasets.CIFAR10, [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"], "labels"),
        (datasets.CIFAR100, ["train", "test"], "fine_labels"),
    ],
)
def test_cifar(tmp_path: Path, monkeypatch: Any, kind: Any, names: list[str], labels: str) -> None:
    random = np.random.RandomState(1)
    contents = {
        name: {"data": random.randint(0, 256, (2, 3072)).astype(np.uint8), labels: [i, i + 1]}
        for i, name in enumerate(names)
    }
    contents[kind.meta[0]] = {kind.meta[2]: ["plane", "car", "bird"]}
    packed = {name: pickle.dumps(content) for name, content in contents.items()}
    sums = {name: hashlib.md5(content).hexdigest() for name, content in packed.items()}
    archive = tmp_path / kind.filename
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in packed.items():
            member = tarfile.TarInfo(f"{kind.base_folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    for attribute in ("train_list", "test_list"):
        files = tuple((name, sums[name]) for name, _ in getattr(kind, attribute))
        monkeypatch.setattr(kind, attribute, files)
    monkeypatch.setattr(kind, "meta", (kind.meta[0], sums[kind.meta[0]], kind.meta[2]))
    monkeypatch.setattr(kind, "url", archive.as_uri())
    monkeypatch.setattr(kind, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())

    with pytest.raises(RuntimeError, match=r"not found or corrupted. You can use download=True"):
        kind(tmp_path / "root")
    data = kind(tmp_path / "root", download=True)
    assert len(data) == 2 * (len(names) - 1)
    assert data.data.shape == (len(data), 32, 32, 3)
    assert data.targets[:2] == [0, 1]
    assert data.class_to_idx == {"plane": 0, "car": 1, "bird": 2}
    image, target = data[1]
    assert (image.mode, image.size, target) == ("RGB", (32, 32), 1)
    assert np.asarray(image).transpose(2, 0, 1).ravel().tolist() == (
        contents[names[0]]["data"][1].tolist()
    )
    test = kind(str(tmp_path / "root"), train=False, transform=transforms.ToTensor())
    assert test[0][0].shape == (3, 32, 32)
    assert "Split: Test" in repr(test)
    (tmp_path / "root" / kind.base_folder / names[0]).write_bytes(b"damaged")
    with pytest.raises(RuntimeError, match="corrupted"):
        kind(tmp_path / "root")


def test_fake_data_is_torchvisions() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    data = datasets.FakeData(4, (3, 4, 5), num_classes=7, random_offset=2)
    items = [data[i] for i in range(len(data))]
    assert [target for _, target in items] == [4, 0, 3, 0]
    assert list(items[0][0].tobytes()[:12]) == [
        247,
        7,
        38,
        233,
        244,
        109,
        180,
        15,
        210,
        230,
        225,
        66,
    ]
    assert (before == torch.get_rng_state()).all()
    with pytest.raises(IndexError, match="FakeData index out of range"):
        data[4]
    pair = datasets.FakeData(
        2, (1, 2, 2), transform=transforms.ToTensor(), target_transform=lambda t: t + 1
    )[1]
    assert pair[0].shape == (1, 2, 2)
    assert isinstance(pair[1], int)


class TestFolders:
    """Images in one folder for each class."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        from PIL import Image

        for name, mode in (("dog/b.png", "L"), ("dog/deep/c.JPG", "RGB"), ("cat/a.png", "RGBA")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new(mode, (4, 3), 7 if mode == "L" else None).save(tmp_path / name)
        (tmp_path / "cat" / "notes.txt").write_text("no image")
        return tmp_path

    def test_image_folder(self, root: Path) -> None:
        data = datasets.ImageFolder(root, target_transform=lambda target: 10 * target)
        assert data.classes == ["cat", "dog"]
        assert data.class_to_idx == {"cat": 0, "dog": 1}
        assert [str(Path(path).relative_to(root)) for path, _ in data.imgs] == [
            "cat/a.png",
            "dog/b.png",
            "dog/deep/c.JPG",
        ]
        assert data.targets == [0, 1, 1]
        image, target = data[1]
        assert (image.mode, image.size, target) == ("RGB", (4, 3), 10)
        assert image.getpixel((0, 0)) == (7, 7, 7)

    def test_other_files(self, root: Path) -> None:
        data = datasets.DatasetFolder(
            root, lambda p: Path(p).read_text(), (".txt",), allow_empty=True
        )
        assert list(data) == [("no image", 0)]
        chosen = datasets.ImageFolder(
            root, is_valid_file=lambda path: "a.png" in path, allow_empty=True
        )
        assert len(chosen) == 1
        assert folder.is_image_file("x.PNG")
        assert not folder.is_image_file("x.txt")

    def test_errors(self, root: Path, tmp_path: Path) -> None:
        (root / "empty").mkdir()
        with pytest.raises(FileNotFoundError, match=r"for the classes empty. .*are: \.jpg, "):
            datasets.ImageFolder(root)
        with pytest.raises(FileNotFoundError, match="any class folder"):
            datasets.ImageFolder(root / "empty")
        with pytest.raises(ValueError, match="cannot be None or not None at the same time"):
            folder.make_dataset(root)
        with pytest.raises(ValueError, match="at least one entry"):
            folder.make_dataset(root, {}, ".png")
        (root / "empty" / "x.png").write_bytes(b"no image")
        with pytest.raises(Exception, match="cannot identify image file"):
            datasets.ImageFolder(root)[3]


def test_vision_dataset_itself() -> None:
    class Own(datasets.VisionDataset):
        def __len__(self) -> int:
            return 2

    assert repr(Own(transforms=transforms.ToTensor())).splitlines()[-1] == "    ToTensor()"
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform"):
        Own("x", transforms=max, transform=min)
    with pytest.raises(NotImplementedError):
        len(datasets.VisionDataset())
    both = Own(transform=lambda x: x + 1, target_transform=lambda y: y * 2).transforms
    assert both(1, 2) == (2, 4)


def test_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("inside.txt", "text")
    utils.download_and_extract_archive((tmp_path / "a.zip").as_uri(), tmp_path / "out")
    assert (tmp_path / "out" / "inside.txt").read_text() == "text"
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"more"))
    assert utils.extract_archive(tmp_path / "b.txt.gz", remove_finished=True).endswith("b.txt")
    assert not (tmp_path / "b.txt.gz").exists()
    assert utils.check_integrity(tmp_path / "b.txt", hashlib.md5(b"more").hexdigest())
    assert not utils.check_integrity(tmp_path / "missing")
    with pytest.raises(RuntimeError, match="Unknown compression or archive type"):
        utils.extract_archive(tmp_path / "b.txt")
    (tmp_path / "bad.gz").write_bytes(gzip.compress(b"more" * 99)[:-9])
    with pytest.raises(EOFError):
        utils.extract_archive(tmp_path / "bad.gz")
    assert not (tmp_path / "bad").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_stl10(tmp_path: Path, monkeypatch: Any) -> None:
    random = np.random.RandomState(1)
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    files = {}
    for name, count in (("train", 12), ("unlabeled", 3), ("test", 2)):
        files[f"{name}_X.bin"] = random.randint(0, 256, (count, 3, 96, 96)).astype(np.uint8)
        files[f"{name}_y.bin"] = (np.arange(count) % 10 + 1).astype(np.uint8)
    del files["unlabeled_y.bin"]
    for name, values in files.items():
        values.tofile(folder / name)
    (folder / "class_names.txt").write_text("plane\nbird\n")
    (folder / "fold_indices.txt").write_text("0 5\n11 2 3\n" + "1\n" * 8)
    with pytest.raises(RuntimeError, match="not found or corrupted"):
        STL10(tmp_path)
    for attribute in ("train_list", "test_list"):
        sums = tuple(
            (name, hashlib.md5(files[name].tobytes()).hexdigest())
            for name, _ in getattr(STL10, attribute)
        )
        monkeypatch.setattr(STL10, attribute, sums)
    train = STL10(tmp_path)
    assert (len(train), train.classes, train.labels.tolist()[-3:]) == (
        12,
        ["plane", "bird"],
        [9, 0, 1],
    )
    image, label = train[1]
    assert (image.size, image.mode, label) == ((96, 96), "RGB", 1)
    assert (np.asarray(image).transpose(2, 1, 0) == files["train_X.bin"][1]).all()
    assert STL10(tmp_path, folds=1).labels.tolist() == [1, 2, 3]
    both = STL10(str(tmp_path), "train+unlabeled", transform=transforms.ToTensor())
    assert len(both) == 15
    assert both[14][1] == -1
    assert both[14][0].shape == (3, 96, 96)
    assert "Split: test" in repr(STL10(tmp_path, "test"))
    assert len(STL10(tmp_path, "unlabeled")) == 3
    with pytest.raises(ValueError, match="Valid values are"):
        STL10(tmp_path, "all")
    with pytest.raises(ValueError, match="range"):
        STL10(tmp_path, folds=10)
