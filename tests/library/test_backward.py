"""ATen's operators that go backward, which libraries call in functions of their own."""

from tests.parity import parity


def test_elementwise_and_losses() -> None:
    parity("""
        A = torch.ops.aten
        x, g = torch.randn(2, 4, 6, 6), torch.randn(2, 4, 6, 6)
        a = [getattr(A, f"{name}_backward")(g, x) for name in ("silu", "mish", "hardswish", "hardsigmoid", "gelu")]
        b = [A.softplus_backward(g, x, 1.0, 20.0), A.softshrink_backward(g, x, 0.5), A.hardshrink_backward(g, x, 0.5)]
        c = [A.hardtanh_backward(g, x, -1.0, 1.0), A.glu_backward(g[:, :2], x, 1), A.threshold_backward(g, x, 0.0)]
        d = A.logit_backward(g, x.sigmoid()), A.sigmoid_backward(g, x.sigmoid()), A.tanh_backward(g, x.tanh())
        e = A.leaky_relu_backward(g, x, 0.1, False), A.elu_backward(g, 1.0, 1.5, 1.0, False, x)
        one = torch.tensor(1.0)
        f = A.mse_loss_backward(one, x, g, 1), A.smooth_l1_loss_backward(one, x, g, 2, 0.7)
        h = A.huber_loss_backward(g, x, g * 2, 0, 0.7), A.binary_cross_entropy_backward(one, x.sigmoid(), g.sigmoid())
        i = A.select_backward(g[:, 0], [2, 4, 6, 6], 1, 2), A.slice_backward(g[:, :2], [2, 4, 6, 6], 1, 1, 3, 1)
        j = A.diagonal_backward(torch.randn(2, 4, 6), [2, 4, 6, 6], 0, 2, 3), A.native_dropout_backward(g, x > 0, 2.0)
        k = A.embedding_dense_backward(torch.randn(5, 3), torch.tensor([0, 1, 1, 2, 3]), 5, 2, False)
        m = A.is_non_overlapping_and_dense(x.mT), A.sym_storage_offset(x[0, 1])
        n = A.is_non_overlapping_and_dense(x[:, 1:])
        A = None
    """)


def test_layers() -> None:
    parity(
        """
        A = torch.ops.aten
        x, g = torch.randn(2, 4, 6, 6), torch.randn(2, 4, 6, 6)
        w, out = torch.randn(3, 4, 3, 3), torch.randn(2, 3, 6, 6)
        given = [1, 1], [1, 1], [1, 1], False, [0, 0], 1
        a = A.convolution_backward(out, x, w, [3], *given, [True, True, True])
        b = A.convolution_backward(out, x, w, None, *given, [False, True, False])
        _, m, i = A.native_batch_norm(x, None, None, torch.zeros(4), torch.ones(4), True, 0.1, 1e-5)
        scale = torch.rand(4)
        c = A.native_batch_norm_backward(g, x, scale, torch.zeros(4), torch.ones(4), m, i, True, 1e-5, [True] * 3)
        _, m, i = A.native_layer_norm(x, [6, 6], None, None, 1e-5)
        v = torch.rand(6, 6)
        d = A.native_layer_norm_backward(g, x, [6, 6], m, i, v, v * 0, [True] * 3)
        e = A.native_layer_norm_backward(g, x, [6, 6], m, i, None, None, [True, False, False])
        _, m, i = A.native_group_norm(x, None, None, 2, 4, 36, 2, 1e-5)
        f = A.native_group_norm_backward(g, x, m, i, scale, 2, 4, 36, 2, [True] * 3)
        y, places = A.max_pool2d_with_indices(x, [2, 2], [2, 2])
        h = A.max_pool2d_with_indices_backward(y, x, [2, 2], [2, 2], [0, 0], [1, 1], False, places)
        j = A.avg_pool2d_backward(y, x, [2, 2], [2, 2], [0, 0], False, True, None)
        k = A._adaptive_avg_pool2d_backward(y, x), A.reflection_pad2d(x, [1, 1, 2, 2])
        n = A.upsample_bilinear2d(x, [9, 9], True), A.upsample_nearest2d(x, [9, 9])
        A = None
        """,
        rtol=1e-4,
        atol=1e-5,
    )


def test_schemas_of_what_is_written_to() -> None:
    parity("""
        lab = torch.library.Library("backward_lab", "DEF")
        for text in ("a(Tensor A, Tensor! out) -> ()", "b(Tensor(a!) A) -> Tensor", "f(Tensor!? x) -> ()"):
            lab.define(text)
        a = [str(getattr(torch.ops.backward_lab, name).default._schema) for name in "abf"]
        torch.library.register_kernel("backward_lab::b", "default", lambda A: A + 1)
        b = torch.ops.backward_lab.b(torch.ones(2))
        lab = None
    """)
