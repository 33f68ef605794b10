r"""What is no expression of elements: how such rows are defined, and how they are written in formulas.

`DEFINITIONS` are whole equations, in which x, y, W, b ... are the row's inputs by the symbols that
`from_c.symbol` gives. `NOTATION` says how a row is written where a rule uses it: `#x` stands for an operand,
`@x` for one that is to bind like a factor, `!x` for one that is to stand alone; the number is how the
whole binds. `DERIVATIVES` are there for the
few rows whose rule hands the whole work to another row, or is a loop.
"""

from __future__ import annotations

from rushlight.visual.formulas.parts import ATOM, PRODUCT, RELATION

_SHIFT = r"s p + d k - \mathrm{pad}"
_MEMORY = r"\operatorname{memory}(x)_{\mathrm{offset} + s_1 j + s_2 k}"

DEFINITIONS: dict[str, str] = {
    # products
    "matmul": r"z_{ij} = \sum_k x_{ik}\, y_{kj}",
    "linear": r"y = x\,W^{\top} + b",
    "linear_weight": r"y = u^{\top} x",
    "inner": r"z = \sum_{\mathrm{dims}} x \odot y",
    "dot": r"z = \sum_i x_i\, y_i",
    "banded": r"z_i = \sum_k y_{ik}\, x_k, \quad y \text{ with few diagonals}",
    # normalisation
    "softmax": r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}",
    "log_softmax": r"y_i = x_i - \ln \sum_j e^{x_j}",
    "normalize": r"y = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \odot W + b, \quad "
    r"\mu = \frac{1}{n} \sum_{\mathrm{dims}} x, \quad \sigma^2 = \frac{1}{n} \sum_{\mathrm{dims}} (x - \mu)^2",
    "normalize_grad": r"y_1 = \mathrm{rstd} \left(v - \frac{1}{n} \sum v - "
    r"\hat{x} \odot \frac{1}{n} \sum v \odot \hat{x}\right), \quad y_2 = \sum u \odot \hat{x}, \quad "
    r"y_3 = \sum u, \quad v = u \odot W, \quad \hat{x} = (x - \mathrm{mean}) \cdot \mathrm{rstd}",
    # losses
    "cross_entropy": r"y = -\frac{1}{N} \sum_n \ln \frac{e^{x_{n t_n}}}{\sum_c e^{x_{n c}}}",
    "nll_scatter": r"y_{n c} = -\frac{x}{N} \left[c = t_n\right]",
    "nll": r"y = -\frac{1}{N} \sum_n x_{n t_n}",
    "cross_entropy_grad": r"y_{nc} = x_n\, W_{t_n} \left(e^{\mathrm{scores}_{nc}} - \left[c = t_n\right]\right)",
    "multi_margin": r"y_n = \frac{1}{C} \sum_{c \neq t_n} W_{t_n} \max(0, \mathrm{margin} - x_{n t_n} + x_{nc})^p",
    "label_masks": r"y_1 = t \text{ or } 0, \quad y_2 = \left[t \text{ stands before the first } -1\right], "
    r"\quad y_{3 c} = \exists i:\; t_i = c",
    "binary_cross_entropy": r"z = -\left(y \ln x + (1 - y) \ln(1 - x)\right)",
    "ctc": r"y = -\ln \sum_{\pi \to \mathrm{labels}} \prod_t e^{x_{t \pi_t}}",
    "ctc_layout": r"y_1 = \left[\mathrm{blank}, t_1, \mathrm{blank}, t_2, \ldots, \mathrm{blank}\right], "
    r"\quad y_{2 s} = \left[y_{1 s} \neq y_{1, s - 2}\right]",
    "ctc_backward": r"y_{tc} = -g\, P\left(\pi_t = c \mid \pi \to \mathrm{labels}\right)",
    # convolution and pooling
    "convolution": rf"y_{{n o p}} = b_o + \sum_c \sum_k W_{{o c k}}\; x_{{n c,\; {_SHIFT}}}",
    "convolution_transpose": rf"y_{{n o q}} = b_o + \sum_c \sum_{{{_SHIFT} = q}} W_{{c o k}}\; x_{{n c p}}",
    "convolution_weight": rf"z_{{o c k}} = \sum_n \sum_p y_{{n o p}}\; x_{{n c,\; {_SHIFT}}}",
    "max_pool": rf"y_{{n c p}} = \max_k x_{{n c,\; {_SHIFT}}}",
    "max_pool_from": rf"y_{{n c p}} = \max_k x_{{n c,\; {_SHIFT}}}",
    "window_sum": rf"y_{{n c p}} = \sum_k x_{{n c,\; {_SHIFT}}}",
    "windows": rf"y_{{n c k p}} = x_{{n c,\; {_SHIFT}}}",
    "window_spread": rf"y_{{n c q}} = \sum_{{{_SHIFT} = q}} x_{{n c p}}",
    "windows_sum": rf"y_{{n c q}} = \sum_{{{_SHIFT} = q}} x_{{n c k p}}",
    "pool_winner": rf"y_{{n c p}} = \arg\max_k x_{{n c,\; {_SHIFT}}}",
    "pool_positions": rf"y_{{n c p}} = {_SHIFT}, \quad k = \mathrm{{winner}}_{{n c p}}",
    "pool_scatter": r"y_{n c q} = \sum_{p:\; \mathrm{winner}_{n c p} = q} x_{n c p}",
    "pool_gather": r"y_{n c p} = x_{n c\, \mathrm{winner}_{n c p}}",
    "irregular_winner": r"y_{n c p} = \arg\max_q x_{n c q}, \quad q \in \mathrm{positions}_p",
    "fractional_positions": r"y_{p k} = \left\lfloor \alpha (p + \mathrm{samples}) \right\rfloor - "
    r"\left\lfloor \alpha\, \mathrm{samples} \right\rfloor + k, \quad "
    r"\alpha = \frac{\mathrm{size} - \mathrm{kernel}}{\mathrm{count} - 1}",
    "unfold": r"y_{p k} = x_{s p + k}",
    "fold_windows": r"y_q = \sum_{s p + k = q} u_{p k}",
    # reductions
    "sum": r"y = \sum_i x_i",
    "prod": r"y = \prod_i x_i",
    "mean": r"y = \frac{1}{n} \sum_i x_i",
    "amax": r"y = \max_i x_i",
    "amin": r"y = \min_i x_i",
    "argmax": r"y = \arg\max_i x_i",
    "argmin": r"y = \arg\min_i x_i",
    "any": r"y = \exists i:\; x_i \neq 0",
    "all": r"y = \forall i:\; x_i \neq 0",
    "var": r"y = \frac{1}{n - \mathrm{correction}} \sum_i (x_i - \bar{x})^2",
    "std": r"y = \sqrt{\frac{1}{n - \mathrm{correction}} \sum_i (x_i - \bar{x})^2}",
    "logsumexp": r"y = \ln \sum_i e^{x_i}",
    "vector_norm": r"y = \left(\sum_i |x_i|^p\right)^{1/p}",
    "median": r"y = \operatorname{median}_i x_i",
    "median_index": r"x_y = \operatorname{median}_i x_i",
    "mode_index": r"x_y = \text{the most frequent } x_i",
    "signed_sum": r"y = \sum_i x_i",
    "hash_tensor": r"y = x_1 \oplus x_2 \oplus \ldots \text{, bit by bit}",
    # along a dimension
    "cumsum": r"y_i = \sum_{j \leq i} x_j",
    "cumprod": r"y_i = \prod_{j \leq i} x_j",
    "logcumsumexp": r"y_i = \ln \sum_{j \leq i} e^{x_j}",
    "cummax_index": r"y_i = \arg\max_{j \leq i} x_j",
    "cummin_index": r"y_i = \arg\min_{j \leq i} x_j",
    "recurrence": r"y_t = a_t \cdot y_{t-1} + b_t",
    # elements chosen by index
    "embedding": r"y_j = W_{i_j}",
    "embedding_sum": r"y_v = \sum_{j:\; i_j = v} x_j",
    "gather": r"y_{jk} = x_{j\, i_{jk}}",
    "spread": r"y_{jv} = \sum_{k:\; i_{jk} = v} u_{jk}",
    "index": r"y_j = x_{i_j}",
    "place_index": r"y_v = \sum_{j:\; i_j = v} u_j",
    "slice": r"y = x[\mathrm{index}]",
    "place_slice": r"y[\mathrm{index}] = u, \quad 0 \text{ elsewhere}",
    "put": r"y_{i_j} = v_j, \quad y = x \text{ elsewhere}",
    "blank": r"y_{i_j} = 0, \quad y = x \text{ elsewhere}",
    "scatter": r"y_{j\, i_{jk}} = \mathrm{src}_{jk}, \quad y = x \text{ elsewhere}",
    "scatter_fill": r"y_{j\, i_{jk}} = \mathrm{value}, \quad y = x \text{ elsewhere}",
    "entry": r"y = x \text{, where one kernel begins}",
    "order": r"x_{y_1} \leq x_{y_2} \leq \ldots",
    "top": r"x_{y_1} \geq x_{y_2} \geq \ldots \geq x_{y_k} \geq \text{all others}",
    "kth": r"y = \text{the index of the } k\text{-th smallest } x_i",
    "search": r"y_j = \left|\left\{i:\; \mathrm{sequence}_i < \mathrm{values}_j\right\}\right|",
    "scatter_add": r"y_{jv} = x_{jv} + \sum_{k:\; i_{jk} = v} \mathrm{src}_{jk}",
    "scatter_fold": r"y_{jv} = \operatorname{reduce}\left(x_{jv},\; \mathrm{src}_{jk} \text{ where } i_{jk} = v\right)",
    "bag_winner": r"y_{bd} = \arg\max_i x_{id}, \quad \mathrm{bags}_i = b",
    # shapes
    "reshape": r"y = x \text{ in another shape}",
    "squeeze": r"y = x \text{ without dimensions of size } 1",
    "expand": r"y_{jk} = x_k \text{ for every } j",
    "permute": r"y_{kj} = x_{jk}",
    "cat": r"y = \left[x_1;\, x_2;\, \ldots\right]",
    "stack": r"y_j = x_j",
    "split": r"x = \left[y_1;\, y_2;\, \ldots\right]",
    "unbind": r"y_j = x_{j}",
    "convert": r"y = x \text{ in another type}",
    "clone": r"y = x \text{, a copy}",
    "laid_out": r"y = x \text{, a copy}",
    "compact": r"y = x \text{, a copy in row order}",
    "flip": r"y_i = x_{n - 1 - i}",
    "roll": r"y_i = x_{(i - \mathrm{shift}) \bmod n}",
    "pad": r"y = x \text{ with a border}",
    "triangle": r"y_{jk} = x_{jk} \text{ on one side of the diagonal, else } 0",
    "diagonal": r"y_j = x_{jj}",
    "diagonal_fill": r"y_{jj} = u_j, \quad 0 \text{ elsewhere}",
    "as_strided": rf"y_{{jk}} = {_MEMORY}",
    "as_strided_part": rf"y_{{jk}} = {_MEMORY}",
    "as_strided_sum": rf"y_v = \sum u_{{jk}}, \quad {_MEMORY} = x_v",
    "as_strided_scatter": rf"{_MEMORY} = \mathrm{{src}}_{{jk}}, \quad y = x \text{{ elsewhere}}",
    "reinterpret": r"y = x \text{, its bits read as another type}",
    "variable": r"y = x",
    "overwrite": r"y = x_1 \text{, in the place of the others}",
    "dependent": r"y = x \text{, and the sources count as what it was made of}",
    "closed": r"y = x \text{, beyond which there is no derivative}",
    "constant": r"y = f\left(x_1, \ldots\right) \text{, without a derivative}",
    # elements by formulas that depend on their types
    "pow": r"z = x^{y}",
    "gelu": r"y = x \cdot y_2, \quad y_2 = \Phi(x) = \tfrac{1}{2}\left(1 + \operatorname{erf}\frac{x}{\sqrt{2}}\right)",
    "clamp": r"y = \min\left(\max(x, \mathrm{low}), \mathrm{high}\right)",
    "lerp": r"y = x + W \cdot (\mathrm{end} - x)",
    "logit": r"y = \ln \frac{x}{1 - x}",
    "relu": r"y = \max(0, x)",
    "relu_backward": r"z = x \cdot \left[y > 0\right]",
    "trunc": r"y = \operatorname{sgn}(x) \left\lfloor |x| \right\rfloor",
    "remainder": r"z = x - y \left\lfloor \frac{x}{y} \right\rfloor",
    "fmod": r"z = x - y \operatorname{trunc} \frac{x}{y}",
    "trunc_divide": r"z = \operatorname{trunc} \frac{x}{y}",
    "copysign": r"z = |x| \operatorname{sgn} y",
    "signbit": r"y = \left[x < 0\right]",
    "erf": r"y = \frac{2}{\sqrt{\pi}} \int_0^{x} e^{-t^2}\, dt",
    "erfc": r"y = \frac{2}{\sqrt{\pi}} \int_x^{\infty} e^{-t^2}\, dt",
    "view_as_complex": r"y_j = x_{j1} + i\, x_{j2}",
    "view_as_real": r"y_{j1} + i\, y_{j2} = x_j",
    "round": r"y = \operatorname{round}(x)",
    "angle": r"y = \arg x",
    "asinh": r"y = \ln\left(x + \sqrt{x^2 + 1}\right)",
    "acosh": r"y = \ln\left(x + \sqrt{x^2 - 1}\right)",
    "atanh": r"y = \tfrac{1}{2} \ln \frac{1 + x}{1 - x}",
    "atan2": r"z = \arg\left(y + i\, x\right)",
    "nextafter": r"z = \text{the number that is next to } x \text{ on the way to } y",
    "frexp": r"x = y_1 \cdot 2^{y_2}, \quad \tfrac{1}{2} \leq |y_1| < 1",
    "bitwise_left_shift": r"z = x \cdot 2^{y}", "ldexp": r"z = x \cdot 2^{y}",
    "bitwise_right_shift": r"z = \left\lfloor x \cdot 2^{-y} \right\rfloor",
    "polynomial": r"z = P_{y}(x), \quad P_{k} \text{ from } P_{k-1} \text{ and } P_{k-2}",
    "nan_to_num": r"y = x \text{, numbers in place of nan and infinity}",
    "without_nan": r"y = x \text{, 0 in place of nan}",
    "erfinv": r"y = \operatorname{erf}^{-1}(x)",
    "ndtri": r"y = \Phi^{-1}(x)",
    "log_ndtr": r"y = \ln \Phi(x)",
    "erfcx": r"y = e^{x^2} \operatorname{erfc}(x)",
    "digamma": r"y = \psi(x) = \frac{d}{dx} \ln\Gamma(x)",
    "polygamma": r"y = \psi^{(n)}(x)",
    "zeta": r"z = \sum_{k \geq 0} \frac{1}{(y + k)^{x}}",
    "igamma": r"z = \frac{1}{\Gamma(x)} \int_0^{y} t^{x - 1} e^{-t}\, dt",
    "igammac": r"z = \frac{1}{\Gamma(x)} \int_y^{\infty} t^{x - 1} e^{-t}\, dt",
    "i0": r"y = I_0(x)", "i1": r"y = I_1(x)",
    "i0e": r"y = e^{-|x|} I_0(x)", "i1e": r"y = e^{-|x|} I_1(x)",
    "modified_bessel_i0": r"y = I_0(x)", "modified_bessel_i1": r"y = I_1(x)",
    "modified_bessel_k0": r"y = K_0(x)", "modified_bessel_k1": r"y = K_1(x)",
    "scaled_modified_bessel_k0": r"y = e^{x} K_0(x)", "scaled_modified_bessel_k1": r"y = e^{x} K_1(x)",
    "bessel_j0": r"y = J_0(x)", "bessel_j1": r"y = J_1(x)",
    "bessel_y0": r"y = Y_0(x)", "bessel_y1": r"y = Y_1(x)",
    "airy_ai": r"y = \operatorname{Ai}(x)",
    # matrices
    "linalg_inv_ex": r"y = x^{-1}",
    "linalg_solve_ex": r"a\, y = b",
    "linalg_solve_triangular": r"a\, y = b, \quad a \text{ triangular}",
    "linalg_det": r"y = \det x",
    "linalg_slogdet": r"y_1 = \operatorname{sign} (\det x), \quad y_2 = \ln |\det x|",
    "linalg_cholesky_ex": r"x = y\, y^{\top}",
    "linalg_qr": r"x = Q R",
    "linalg_eigh": r"x = V \operatorname{diag}(\lambda)\, V^{\top}",
    "linalg_eig": r"x = V \operatorname{diag}(\lambda)\, V^{-1}",
    "linalg_svd": r"x = U \operatorname{diag}(S)\, V^{\top}",
    "linalg_matrix_exp": r"y = e^{x} = \sum_k \frac{x^k}{k!}",
    "linalg_pinv": r"y = x^{+}",
    "cholesky_solve": r"L L^{\top} y = b, \quad L = \mathrm{factor}",
    "linalg_lu_factor_ex": r"P x = L U, \quad y_1 = L + U - 1, \quad y_2 \text{ for } P",
    "linalg_ldl_factor_ex": r"x = L D L^{\top}",
    "linalg_ldl_solve": r"L D L^{\top} y = b, \quad x \text{ holds } L \text{ and } D",
    "geqrf": r"x = Q R, \quad Q = \prod_i \left(1 - \tau_i v_i v_i^{\top}\right)",
    # Fourier
    "fft_c2c": r"y_k = \mathrm{scale} \sum_n x_n\, e^{\mp 2 \pi i k n / N}",
    "fft_r2c": r"y_k = \mathrm{scale} \sum_n x_n\, e^{-2 \pi i k n / N}",
    "fft_c2r": r"y_n = \mathrm{scale} \sum_k x_k\, e^{2 \pi i k n / N}",
    # recurrent
    "rnn": r"h_t = \tanh\left(u_t + W h_{t-1}\right)",
    "lstm": r"\left[i, f, o\right]_t = \sigma\left(u_t + W h_{t-1}\right), \quad "
    r"n_t = \tanh\left(u_t + W h_{t-1}\right), \quad "
    r"c_t = f_t \odot c_{t-1} + i_t \odot n_t, \quad h_t = o_t \odot \tanh c_t",
    "gru": r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}, \quad "
    r"\left[r, z\right]_t = \sigma\left(u_t + W h_{t-1}\right), \quad "
    r"n_t = \tanh\left(u_t + r_t \odot (W h_{t-1} + b)\right)",
}  # fmt: skip

NOTATION: dict[str, tuple[str, int]] = {
    "matmul": (r"@x\,@y", PRODUCT),
    "linear": (r"@x\,!weight^{\top}", PRODUCT),
    "linear_weight": (r"!g_in^{\top}\,@x", PRODUCT),
    "sigmoid": (r"\sigma\left(#x\right)", ATOM),
    "relu_backward": (r"@x \cdot \left[#y > 0\right]", PRODUCT),
    "zeros_like": ("0", ATOM),
    "pow": (r"!x^{#y}", ATOM),
    "prod": (r"\prod @x", PRODUCT),
    "amax": (r"\max @x", PRODUCT),
    "amin": (r"\min @x", PRODUCT),
    "digamma": (r"\psi\left(#x\right)", ATOM),
    "linalg_inv_ex": (r"!x^{-1}", ATOM),
    "linalg_det": (r"\det !x", PRODUCT),
    "linalg_solve_ex": (r"!a^{-1}\,@b", PRODUCT),
    "linalg_solve_triangular": (r"!a^{-1}\,@b", PRODUCT),
    "linalg_matrix_exp": (r"e^{#x}", PRODUCT),
    "cholesky_solve": (r"\left(L L^{\top}\right)^{-1}\,@b", PRODUCT),
    "fft_c2c": (r"\mathcal{F}\left(#x\right)", ATOM),
    "fft_r2c": (r"\mathcal{F}\left(#x\right)", ATOM),
    "polygamma": (r"\psi^{(n)}\left(#x\right)", ATOM),
    "i0": (r"I_0\left(#x\right)", ATOM),
    "i1": (r"I_1\left(#x\right)", ATOM),
    "i0e": (r"e^{-|#x|} I_0\left(#x\right)", PRODUCT),
    "i1e": (r"e^{-|#x|} I_1\left(#x\right)", PRODUCT),
    "erfinv": (r"\operatorname{erf}^{-1}\left(#x\right)", ATOM),
    "xlogy": (r"@x \cdot \ln\left(#y\right)", PRODUCT),
    "xlog1py": (r"@x \cdot \ln\left(1 + #y\right)", PRODUCT),
    "trunc_divide": (r"\operatorname{trunc} \frac{#x}{#y}", PRODUCT),
    "signed_sum": (r"\sum @x", PRODUCT),
    "slice": (r"!x\left[\mathrm{index}\right]", ATOM),
    "convolution": (r"@x \star !weight", PRODUCT),
    "conj_physical": (r"\overline{#x}", ATOM),
    "sign": (r"\operatorname{sgn}\left(#x\right)", ATOM),
    "sgn": (r"\operatorname{sgn}\left(#x\right)", ATOM),
    "logical_and": (r"#x \wedge #y", RELATION),
    "logical_or": (r"#x \vee #y", RELATION),
    "clamp": (r"\operatorname{clip}\left(#x\right)", ATOM),
}

# Rows that change how a tensor lies or what type it has, and no number in it.
TRANSPARENT = frozenset(
    {"reshape", "squeeze", "convert", "clone", "laid_out", "compact", "variable"}
)

_HAT = r"\hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}"

DERIVATIVES: dict[str, dict[str, list[str]]] = {
    "cross_entropy": {
        "x": [
            r"\frac{\partial L}{\partial x_{nc}} = \frac{g}{N} "
            r"\left(\frac{e^{x_{nc}}}{\sum_k e^{x_{nk}}} - \left[c = t_n\right]\right)"
        ],
    },
    "nll": {"x": [r"\frac{\partial L}{\partial x_{nc}} = -\frac{g}{N} \left[c = t_n\right]"]},
    "normalize": {
        "x": [
            r"\frac{\partial L}{\partial x} = \frac{1}{\sqrt{\sigma^2 + \varepsilon}} "
            r"\left(u - \frac{1}{n} \sum u - \hat{x} \odot \frac{1}{n} \sum u \odot \hat{x}\right)",
            r"u = g \odot W, \quad " + _HAT,
        ],
        "weight": [r"\frac{\partial L}{\partial W} = \sum g \odot \hat{x}", _HAT],
        "bias": [r"\frac{\partial L}{\partial b} = \sum g"],
    },
    "convolution": {
        "x": [
            r"\frac{\partial L}{\partial x_{n c q}} = \sum_o "
            rf"\sum_{{{_SHIFT} = q}} W_{{o c k}}\; g_{{n o p}}"
        ],
        "weight": [
            r"\frac{\partial L}{\partial W_{o c k}} = \sum_n \sum_p "
            rf"g_{{n o p}}\; x_{{n c,\; {_SHIFT}}}"
        ],
        "bias": [r"\frac{\partial L}{\partial b_o} = \sum_n \sum_p g_{n o p}"],
    },
    "embedding": {
        "weight": [r"\frac{\partial L}{\partial W_v} = \sum_{j:\; i_j = v} g_j"],
    },
    # Through time: d h_t is what comes from the steps behind t, with the layer's own output at t.
    "rnn": {
        "gx": [
            r"\frac{\partial L}{\partial u_t} = \left(g_t + W^{\top} \frac{\partial L}{\partial u_{t+1}}\right) "
            r"\odot \left(1 - h_t^2\right)"
        ],
        "h0": [r"\frac{\partial L}{\partial h_0} = W^{\top} \frac{\partial L}{\partial u_1}"],
        "weight": [
            r"\frac{\partial L}{\partial W} = \sum_t \frac{\partial L}{\partial u_t}\, h_{t-1}^{\top}"
        ],
    },
    "lstm": {
        "gx": [
            r"\frac{\partial L}{\partial u_t} = \left[\delta c \odot n \odot i (1 - i),\; "
            r"\delta c \odot c_{t-1} \odot f (1 - f),\; \delta c \odot i \odot (1 - n^2),\; "
            r"\delta h \odot \tanh(c_t) \odot o (1 - o)\right]",
            r"\delta h = g_t + W^{\top} \frac{\partial L}{\partial u_{t+1}}",
            r"\delta c = \delta h \odot o \odot \left(1 - \tanh^2 c_t\right) + (\delta c \odot f)_{t+1}",
        ],
        "h0": [r"\frac{\partial L}{\partial h_0} = W^{\top} \frac{\partial L}{\partial u_1}"],
        "c0": [r"\frac{\partial L}{\partial c_0} = (\delta c \odot f)_1"],
        "weight": [
            r"\frac{\partial L}{\partial W} = \sum_t \frac{\partial L}{\partial u_t}\, h_{t-1}^{\top}"
        ],
    },
    "gru": {
        "gx": [
            r"\frac{\partial L}{\partial u_t} = \left[\delta n \odot (W h_{t-1} + b) \odot r (1 - r),\; "
            r"\delta h \odot (h_{t-1} - n) \odot z (1 - z),\; \delta n\right]",
            r"\delta n = \delta h \odot (1 - z) \odot (1 - n^2)",
            r"\delta h = g_t + (\delta h \odot z)_{t+1} + W^{\top} v_{t+1}",
            r"v_t = \left[\frac{\partial L}{\partial u^r_t},\; \frac{\partial L}{\partial u^z_t},\; "
            r"\delta n \odot r\right]",
        ],
        "h0": [r"\frac{\partial L}{\partial h_0} = (\delta h \odot z)_1 + W^{\top} v_1"],
        "weight": [r"\frac{\partial L}{\partial W} = \sum_t v_t\, h_{t-1}^{\top}"],
        "bias": [r"\frac{\partial L}{\partial b} = \sum_t v_t"],
    },
    "vector_norm": {
        "x": [
            r"\frac{\partial L}{\partial x_i} = g \cdot \operatorname{sgn}(x_i) "
            r"\left(\frac{|x_i|}{y}\right)^{p - 1}"
        ],
    },
    "linalg_eigh": {
        "x": [
            r"\frac{\partial L}{\partial x} = V \left(\operatorname{diag}(g_{\lambda}) + "
            r"\frac{V^{\top} g_V}{E}\right) V^{\top}",
            r"E_{ij} = \lambda_j - \lambda_i, \quad 0 \text{ in place of the quotient where } i = j",
        ]
    },
    "linalg_eig": {
        "x": [
            r"\frac{\partial L}{\partial x} = V^{-H} \left(\operatorname{diag}(g_{\lambda}) + "
            r"\frac{M - V^{H} V \operatorname{diag}(\operatorname{Re} M)}{\overline{E}}\right) V^{H}, "
            r"\quad M = V^{H} g_V",
            r"E_{ij} = \lambda_j - \lambda_i, \quad 0 \text{ in place of the quotient where } i = j",
        ]
    },
    "linalg_svd": {
        "x": [
            r"\frac{\partial L}{\partial x} = U \left(\frac{A - A^{\top}}{E}\, S + S\, \frac{B - B^{\top}}{E} + "
            r"\operatorname{diag}(g_S)\right) V^{\top} + (1 - U U^{\top})\, g_U S^{-1} V^{\top} + "
            r"U S^{-1} g_V^{\top} (1 - V V^{\top})",
            r"A = U^{\top} g_U, \quad B = V^{\top} g_V, \quad E_{ij} = s_j^2 - s_i^2, "
            r"\quad 0 \text{ in place of the quotient where } i = j",
        ]
    },
    "linalg_slogdet": {"x": [r"\frac{\partial L}{\partial x} = g_2\, x^{-\top}"]},
    "max_pool_from": {
        "x": [
            r"\frac{\partial L}{\partial x_{n c q}} = \sum_{p} "
            r"g_{n c p} \left[q = \arg\max \text{ of window } p\right]"
        ],
    },
}  # fmt: skip
