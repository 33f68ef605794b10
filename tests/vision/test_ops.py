"""Operators of detection, against formulas and slow programs."""

import functools
import math
import operator

import numpy as np
import pytest

import rushlight as torch
from rushlight.vision import ops


def boxes(n, seed=0, span=10.0):
    rng = np.random.default_rng(seed)
    corner = rng.random((n, 2)) * span
    both = np.concatenate([corner, corner + 0.5 + rng.random((n, 2)) * span / 2], 1)
    return torch.tensor(both.astype(np.float32))


def overlap(a, b):
    width, height = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    both = max(width, 0) * max(height, 0)
    areas = sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b))
    return both / (areas - both)


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_nms_keeps_what_no_better_box_overlaps(threshold):
    found, scores = boxes(40), torch.rand(40)
    kept = []
    for i in sorted(range(40), key=lambda i: -scores[i].item()):
        if all(overlap(found[i].tolist(), found[j].tolist()) <= threshold for j in kept):
            kept.append(i)
    assert ops.nms(found, scores, threshold).tolist() == kept
    groups = torch.arange(40) % 3
    within = [
        own[ops.nms(found[own], scores[own], threshold)].tolist()
        for own in (torch.where(groups == g)[0] for g in range(3))
    ]
    assert sorted(functools.reduce(operator.iadd, within, [])) == sorted(
        ops.batched_nms(found, scores, groups, threshold).tolist()
    )


def test_overlaps_of_all_pairs():
    a, b = boxes(5), boxes(4, 1)
    expected = [[overlap(x, y) for y in b.tolist()] for x in a.tolist()]
    assert np.allclose(ops.box_iou(a, b).numpy(), expected, atol=1e-6)
    same = torch.ones(5)
    for measure in (ops.generalized_box_iou, ops.distance_box_iou, ops.complete_box_iou):
        assert torch.allclose(measure(a, a).diagonal(), same, atol=1e-4)
        assert (measure(a, b) <= ops.box_iou(a, b) + 1e-6).all()
    for loss in (
        ops.generalized_box_iou_loss,
        ops.distance_box_iou_loss,
        ops.complete_box_iou_loss,
    ):
        measure = getattr(ops, loss.__name__.removesuffix("_loss"))
        assert torch.allclose(loss(a[:4], b), 1 - measure(a, b).diagonal(), atol=1e-4)
        assert torch.allclose(loss(a[:4], b, reduction="mean"), loss(a[:4], b).mean())
    with pytest.raises(ValueError, match="reduction"):
        ops.generalized_box_iou_loss(a, a, reduction="max")


@pytest.mark.parametrize("formats", [("xyxy", "xywh", "cxcywh"), ("xywhr", "cxcywhr", "xyxyxyxy")])
def test_boxes_are_written_otherwise_and_back(formats):
    start = boxes(6)
    if len(formats[0]) == 5:
        start = torch.cat([start, torch.linspace(-80, 80, 6).unsqueeze(-1)], 1)
    for other in formats:
        for third in formats:
            there = ops.box_convert(start, formats[0], other)
            back = ops.box_convert(ops.box_convert(there, other, third), third, formats[0])
            assert torch.allclose(back, start, atol=1e-4)
    with pytest.raises(ValueError, match="Unsupported"):
        ops.box_convert(start, formats[0], "nowhere")


def test_small_boxes_and_edges_and_masks():
    found = torch.tensor([[0.0, 0, 5, 1], [1, 1, 9, 9], [-2, -2, 20, 20]])
    assert ops.remove_small_boxes(found, 2).tolist() == [1, 2]
    assert ops.clip_boxes_to_image(found, (6, 8)).tolist()[2] == [0, 0, 8, 6]
    assert ops.box_area(found).tolist() == [5, 64, 484]
    masks = torch.zeros(2, 5, 6)
    masks[0, 1:3, 2:5] = 1
    assert ops.masks_to_boxes(masks).tolist() == [[2, 1, 4, 2], [0, 0, 0, 0]]


def sampled(plane, y, x):
    h, w = plane.shape
    if not (-1 <= y <= h and -1 <= x <= w):
        return 0.0
    y, x = min(max(y, 0), h - 1), min(max(x, 0), w - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
    down, across = y - top, x - left
    upper = plane[top, left] * (1 - across) + plane[top, right] * across
    lower = plane[bottom, left] * (1 - across) + plane[bottom, right] * across
    return upper * (1 - down) + lower * down


def slow_align(maps, regions, size, scale, ratio, shift, least):
    result = np.zeros((len(regions), maps.shape[1], size, size))
    for k, (number, *corners) in enumerate(regions):
        x1, y1, x2, y2 = (c * scale - shift for c in corners)
        width, height = (max(s, least) for s in (x2 - x1, y2 - y1))
        rows, columns = (ratio if ratio > 0 else math.ceil(s / size) for s in (height, width))
        for c in range(maps.shape[1]):
            for i in range(size):
                for j in range(size):
                    values = [
                        sampled(
                            maps[int(number), c],
                            y1 + (i + (a + 0.5) / rows) * height / size,
                            x1 + (j + (b + 0.5) / columns) * width / size,
                        )
                        for a in range(rows)
                        for b in range(columns)
                    ]
                    result[k, c, i, j] = np.mean(values)
    return result


REGIONS = [[0.0, 1.0, 1.0, 9.0, 8.0], [1.0, -2.0, 3.0, 4.2, 5.1], [1.0, 8.0, 6.5, 14.0, 12.0]]


@pytest.mark.parametrize(("ratio", "aligned"), [(-1, False), (2, True), (1, False), (-1, True)])
def test_regions_are_means_of_samples(ratio, aligned):
    maps = torch.rand(2, 4, 9, 11)
    regions = torch.tensor(REGIONS)
    found = ops.roi_align(maps, regions, 2, 0.8, ratio, aligned)
    shift, least = (0.5, -1e9) if aligned else (0.0, 1.0)
    slow = slow_align(maps.numpy(), REGIONS, 2, 0.8, ratio, shift, least)
    assert np.allclose(found.numpy(), slow, atol=1e-5)
    own = ops.ps_roi_align(maps, regions, 2, 0.8, ratio)
    slow = slow_align(maps.numpy(), REGIONS, 2, 0.8, ratio, 0.5, -1e9)
    expected = [[[s[2 * i + j, i, j] for j in (0, 1)] for i in (0, 1)] for s in slow]
    assert np.allclose(own.numpy()[:, 0], expected, atol=1e-5)
    assert found.shape == (3, 4, 2, 2)
    assert own.shape == (3, 1, 2, 2)


def test_pooled_regions():
    maps = torch.arange(2 * 4 * 36.0).reshape(2, 4, 6, 6)
    regions = torch.tensor([[0.0, 1.0, 1.0, 4.0, 3.0], [1.0, 7.0, 7.0, 9.0, 9.0]])
    largest = ops.roi_pool(maps, regions, (1, 2))
    assert largest[0, 0].tolist() == [[20.0, 22.0]]
    assert largest[1].abs().sum() == 0
    means = ops.ps_roi_pool(maps, regions, 2)
    assert means[0, 0, 0, 0] == maps[0, 0, 1, 1:3].mean()
    assert means.shape == (2, 1, 2, 2)
    pieces = [torch.tensor([[1.0, 1, 4, 3]]), torch.tensor([[7.0, 7, 9, 9]])]
    assert torch.equal(ops.RoIPool((1, 2), 1.0)(maps, pieces), largest)
    with pytest.raises(AssertionError, match="shape is not correct"):
        ops.roi_align(maps, regions[:, :4], 2)


def test_gradients_of_regions_and_moved_kernels():
    maps = torch.rand(1, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    regions = torch.tensor([[0.0, 0.3, 0.4, 4.1, 3.3]], dtype=torch.float64)
    for pool in (ops.roi_align, ops.ps_roi_align, ops.roi_pool, ops.ps_roi_pool):
        assert torch.autograd.gradcheck(lambda x, pool=pool: pool(x, regions, 2), (maps,))
    weight = torch.rand(2, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    offset = torch.rand(1, 16, 4, 5, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(1, 8, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, o, w, m: ops.deform_conv2d(x, o, w, mask=m), (maps, offset, weight, mask)
    )


def test_a_kernel_that_is_moved_by_whole_pixels():
    x, weight, bias = torch.rand(2, 4, 7, 8), torch.rand(6, 2, 3, 3), torch.rand(6)
    options = {"stride": 2, "padding": 1}
    plain = torch.nn.functional.conv2d(x, weight, bias, groups=2, **options)
    offset = torch.zeros(2, 18, *plain.shape[-2:])
    found = ops.deform_conv2d(x, offset, weight, bias, **options)
    assert torch.allclose(found, plain, atol=1e-5)
    offset[:, ::2] = 1.0
    moved = torch.nn.functional.pad(x, (0, 0, 0, 1))[:, :, 1:]
    below = torch.nn.functional.conv2d(moved, weight, bias, groups=2, **options)
    found = ops.deform_conv2d(x, offset, weight, bias, **options)
    assert torch.allclose(found[:, :, 1:], below[:, :, 1:], atol=1e-5)
    with pytest.raises(RuntimeError, match="offset output dims"):
        ops.deform_conv2d(x, offset, weight, bias)


def test_focal_loss_is_cross_entropy_where_nothing_is_focused():
    logits, targets = torch.randn(6), torch.tensor([0.0, 1, 1, 0, 1, 0])
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    assert torch.allclose(ops.sigmoid_focal_loss(logits, targets, -1, 0), plain)
    right = torch.where(targets == 1, logits.sigmoid(), 1 - logits.sigmoid())
    expected = (plain * (1 - right) ** 2 * torch.where(targets == 1, 0.25, 0.75)).sum()
    assert torch.allclose(ops.sigmoid_focal_loss(logits, targets, reduction="sum"), expected)
    with pytest.raises(ValueError, match="alpha"):
        ops.sigmoid_focal_loss(logits, targets, alpha=2)


def test_what_is_left_out():
    x = torch.ones(64, 3, 9, 9)
    rows = ops.stochastic_depth(x, 0.25, "row")
    assert torch.allclose(rows.unique(), torch.tensor([0.0, 1 / 0.75]))
    assert len({tuple(r.flatten().tolist()) for r in rows}) == 2
    assert ops.stochastic_depth(x, 0.25, "row", training=False) is x
    blocks = ops.drop_block2d(x, 0.2, 3)
    assert abs((blocks == 0).float().mean().item() - 0.2) < 0.05
    assert abs(blocks.mean().item() - 1) < 1e-3
    for wrong in (
        lambda: ops.stochastic_depth(x, 2, "row"),
        lambda: ops.stochastic_depth(x, 0.1, "x"),
    ):
        with pytest.raises(ValueError, match="has to be"):
            wrong()
    assert repr(ops.DropBlock3d(0.1, 3)) == "DropBlock3d(p=0.1, block_size=3, inplace=False)"


def test_layers():
    frozen = ops.FrozenBatchNorm2d(3)
    norm = torch.nn.BatchNorm2d(3).eval()
    norm.running_var.fill_(2.0)
    frozen.load_state_dict(norm.state_dict())
    x = torch.rand(2, 3, 4, 4)
    assert torch.allclose(frozen(x), norm(x), atol=1e-5)
    assert not list(frozen.parameters())
    block = ops.Conv2dNormActivation(3, 5, (3, 1), dilation=2)
    assert block(x).shape == (2, 5, 4, 4)
    assert block.out_channels == 5
    assert block[0].bias is None
    assert ops.Conv3dNormActivation(1, 2)(torch.rand(1, 1, 3, 3, 3)).shape == (1, 2, 3, 3, 3)
    assert ops.SqueezeExcitation(3, 2)(x).shape == x.shape
    assert [type(m).__name__ for m in ops.MLP(3, [4, 5])] == [
        "Linear",
        "ReLU",
        "Dropout",
        "Linear",
        "Dropout",
    ]
    assert ops.Permute([0, 2, 3, 1])(x).shape == (2, 4, 4, 3)


def test_pyramids():
    maps = {name: torch.rand(2, c, s, s) for name, c, s in (("a", 4, 16), ("b", 6, 8), ("c", 8, 4))}
    pyramid = ops.FeaturePyramidNetwork([4, 6, 8], 5)
    out = pyramid(maps)
    assert [(n, tuple(m.shape)) for n, m in out.items()] == [
        ("a", (2, 5, 16, 16)), ("b", (2, 5, 8, 8)), ("c", (2, 5, 4, 4))
    ]  # fmt: skip
    old = {k.replace(".0.", "."): v for k, v in pyramid.state_dict().items()}
    ops.FeaturePyramidNetwork([4, 6, 8], 5).load_state_dict(old)
    found = [torch.tensor([[1.0, 1, 9, 9], [2, 2, 60, 60]]), torch.tensor([[0.0, 0, 30, 20]])]
    pooler = ops.MultiScaleRoIAlign(["a", "b", "c"], 2, 2, canonical_scale=16, canonical_level=3)
    regions = pooler(out, found, [(64, 64), (50, 64)])
    assert regions.shape == (3, 5, 2, 2)
    alone = ops.roi_align(out["a"], [found[0][:1], found[1][:0]], 2, 0.25, 2)
    assert torch.allclose(regions[:1], alone)
