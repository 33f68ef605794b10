"""Models of `vision.models` with parts of their own, as onnxruntime runs what was exported."""

import numpy as np
import onnxruntime
import pytest

import rushlight as torch
from rushlight.vision import models

SMALL = {
    # Windows that are shifted are masked by what shapes alone say.
    "swin": (
        lambda: models.SwinTransformer([4, 4], 8, [2], [2], [3, 3], num_classes=5), (1, 3, 32, 32)
    ),
    "vit": (lambda: models.VisionTransformer(16, 8, 1, 2, 16, 32, num_classes=5), (2, 3, 16, 16)),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_they_compute_the_same(name):
    make, size = SMALL[name]
    torch.manual_seed(0)
    model = make().eval()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.3)
    x = torch.randn(size)
    file = torch.onnx.export(model, (x,)).model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    wanted = model(x).detach().numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * float(np.abs(wanted).max()))
