"""Drawing into images, as torchvision 0.28 draws; sums stand for pixels."""

import pytest

import rushlight as torch
from rushlight.vision import utils

pytest.importorskip("PIL")

torch.manual_seed(0)
IMAGE = torch.randint(0, 255, (3, 40, 50), dtype=torch.uint8)
FLOATS = IMAGE / 255
BOXES = torch.tensor([[2, 3, 20, 25], [10, 5, 45, 35]])
TURNED = torch.tensor([[2.0, 3, 20, 3, 20, 25, 2, 25]])
MASKS = torch.zeros(2, 40, 50, dtype=torch.bool)
MASKS[0, 3:20, 4:30] = True
MASKS[1, 10:35, 20:45] = True
POINTS = torch.tensor([[[5, 6], [20, 21], [30, 31]], [[7, 9], [40, 35], [10, 30]]])
SEEN = torch.tensor([[True, False, True], [True, True, True]])
FLOW = torch.randn(2, 2, 9, 8)

DRAWN = {
    "draw_bounding_boxes(IMAGE, BOXES)": (702561.0, 2133691142.0),
    "draw_bounding_boxes(IMAGE, BOXES, colors='red', width=2)": (711547.0, 1947146911.0),
    "draw_bounding_boxes(FLOATS, BOXES.float(), None, ['blue', (1, 2, 3)], True)": (2146.568748, 6826901.804120),
    "draw_bounding_boxes(IMAGE[:1], BOXES, colors=['#FF00FF', 'yellow'])": (790659.0, 2310890550.0),
    "draw_bounding_boxes(IMAGE, torch.zeros(0, 4))": (758321.0, 2286003962.0),
    "draw_bounding_boxes(IMAGE, TURNED, width=2)": (705881.0, 2139121806.0),
    "draw_segmentation_masks(IMAGE, MASKS)": (530105.0, 1658605235.0),
    "draw_segmentation_masks(IMAGE, MASKS, .5, 'red')": (684482.0, 1847325140.0),
    "draw_segmentation_masks(FLOATS, MASKS, .3, ['red', (0, 100, 200)])": (2829.551430, 8588663.242339),
    "draw_segmentation_masks(IMAGE, MASKS[0], 1.)": (590835.0, 1844755063.0),
    "draw_segmentation_masks(IMAGE, MASKS[:0])": (758321.0, 2286003962.0),
    "draw_segmentation_masks(IMAGE, MASKS*~MASKS)": (758321.0, 2286003962.0),
    "draw_keypoints(IMAGE, POINTS)": (758321.0, 2286003962.0),
    "draw_keypoints(IMAGE, POINTS, [(0, 1), (1, 2)], 'blue', radius=3, width=2)": (801548.0, 2506548358.0),
    "draw_keypoints(IMAGE, POINTS, visibility=SEEN, connectivity=[(0, 1)])": (814542.0, 2465502681.0),
    "draw_keypoints(FLOATS, POINTS.float(), colors=(9, 8, 7))": (2803.043304, 8435984.233958),
    "flow_to_image(FLOW)": (91710.0, 20027135.0),
    "flow_to_image(FLOW[0]*3)": (44653.0, 4834219.0),
}  # fmt: skip
REFUSED = {
    "draw_bounding_boxes(IMAGE, BOXES, labels=['a'])": "ValueError: Number of boxes (2) and labels",
    "draw_bounding_boxes(IMAGE[None], BOXES)": "ValueError: Pass individual images, not ba",
    "draw_bounding_boxes(IMAGE, torch.tensor([[9, 3, 2, 5]]))": "ValueError: Boxes need to be in (xmin, ymi",
    "draw_bounding_boxes(IMAGE.int(), BOXES)": "ValueError: The image dtype must be uint8",
    "draw_bounding_boxes([1], BOXES)": "TypeError: Tensor expected, got <class 'l",
    "draw_bounding_boxes(IMAGE, BOXES, colors=['red'])": "ValueError: Number of colors must be equal",
    "draw_bounding_boxes(IMAGE[:2], BOXES)": "ValueError: Only grayscale and RGB images",
    "draw_segmentation_masks(IMAGE, MASKS.float())": "ValueError: The masks must be of dtype boo",
    "draw_segmentation_masks(IMAGE[:1], MASKS)": "ValueError: Pass an RGB image. Other Image",
    "draw_segmentation_masks(IMAGE, MASKS[:, :5])": "ValueError: The image and the masks must h",
    "draw_segmentation_masks(IMAGE.int(), MASKS)": "ValueError: The image dtype must be uint8",
    "draw_segmentation_masks(IMAGE[None], MASKS)": "ValueError: Pass individual images, not ba",
    "draw_segmentation_masks(IMAGE, MASKS[None])": "ValueError: masks must be of shape (H, W)",
    "draw_segmentation_masks(3, MASKS)": "TypeError: The image must be a tensor, go",
    "draw_keypoints(IMAGE, POINTS[0])": "ValueError: keypoints must be of shape (nu",
    "draw_keypoints(IMAGE.int(), POINTS)": "ValueError: The image dtype must be uint8",
    "draw_keypoints(IMAGE[:1], POINTS)": "ValueError: Pass an RGB image. Other Image",
    "draw_keypoints(IMAGE, POINTS, visibility=torch.ones(2))": "ValueError: visibility must be of shape (n",
    "draw_keypoints(IMAGE[None], POINTS)": "ValueError: Pass individual images, not ba",
    "draw_keypoints(3, POINTS)": "TypeError: The image must be a tensor, go",
    "flow_to_image(FLOW.double())": "ValueError: Flow should be of dtype torch.",
    "flow_to_image(FLOW[:, :1])": "ValueError: Input flow should have shape (",
    "flow_to_image(FLOW[0, 0])": "ValueError: Input flow should have shape (",
}  # fmt: skip


def drawn(call):
    return eval(call, vars(utils), globals())


@pytest.mark.parametrize("call", DRAWN)
def test_what_is_drawn(call):
    image = drawn(call).double()
    places = torch.arange(image.numel()).reshape(image.shape)
    found = image.sum().item(), (image * places).sum().item()
    assert found == pytest.approx(DRAWN[call], rel=1e-7)


def test_words_are_drawn_and_their_ground():
    box = utils.draw_bounding_boxes(IMAGE, BOXES, colors="red")
    plain = utils.draw_bounding_boxes(IMAGE, BOXES, ["one", None], "red")
    filled = utils.draw_bounding_boxes(
        IMAGE, BOXES, ["one", None], "red", label_background_colors="blue", fill_labels=True
    )
    blue = (filled == torch.tensor([0, 0, 255])[:, None, None]).all(0)
    assert bool((plain != box).any()) is bool(blue.any()) is True


@pytest.mark.parametrize("call", REFUSED)
def test_what_is_refused(call):
    kind, _, words = REFUSED[call].partition(": ")
    with pytest.raises({"TypeError": TypeError, "ValueError": ValueError}[kind]) as caught:
        drawn(call)
    assert str(caught.value).startswith(words)
