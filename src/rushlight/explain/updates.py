r"""What optimizers and schedules do, as formulas: θ a parameter, g its gradient, η the learning rate, t the step."""

from __future__ import annotations

_ADAM = [
    r"m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \quad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2",
    r"\theta \leftarrow \theta - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}",
]

UPDATES: dict[str, list[str]] = {
    "SGD": [
        r"b \leftarrow \mu b + (1 - \tau)\, g, \quad \tau: \text{ dampening}, \mu: \text{ momentum}",
        r"\theta \leftarrow \theta - \eta b",
    ],
    "Adam": _ADAM,
    "AdamW": [r"\theta \leftarrow \theta - \eta \lambda \theta", *_ADAM],
    "NAdam": [
        _ADAM[0],
        r"\theta \leftarrow \theta - \eta \frac{\mu_{t+1} \hat{m} + (1 - \mu_t) \hat{g}}{\sqrt{\hat{v}} + \epsilon}",
    ],
    "RAdam": [
        _ADAM[0],
        r"\theta \leftarrow \theta - \eta r_t \frac{\hat{m}}{\sqrt{\hat{v}} + \epsilon} \quad "
        r"\text{(without the root for the first steps)}",
    ],
    "Adamax": [
        r"m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \quad u \leftarrow \max(\beta_2 u, |g| + \epsilon)",
        r"\theta \leftarrow \theta - \frac{\eta}{1 - \beta_1^t} \cdot \frac{m}{u}",
    ],
    "Adagrad": [
        r"s \leftarrow s + g^2",
        r"\theta \leftarrow \theta - \frac{\eta}{1 + (t - 1) d} \cdot \frac{g}{\sqrt{s} + \epsilon}",
    ],
    "Adadelta": [
        r"v \leftarrow \rho v + (1 - \rho)\, g^2, \quad d = \frac{\sqrt{u + \epsilon}}{\sqrt{v + \epsilon}} g",
        r"u \leftarrow \rho u + (1 - \rho)\, d^2, \quad \theta \leftarrow \theta - \eta d",
    ],
    "RMSprop": [
        r"v \leftarrow \alpha v + (1 - \alpha)\, g^2",
        r"\theta \leftarrow \theta - \eta \frac{g}{\sqrt{v} + \epsilon}",
    ],
    "Rprop": [
        r"\eta_i \leftarrow \begin{cases} \min(1.2 \eta_i, 50) & g_i \text{ kept its sign} \\ "
        r"\max(0.5 \eta_i, 10^{-6}) & g_i \text{ changed its sign} \end{cases}",
        r"\theta_i \leftarrow \theta_i - \eta_i \operatorname{sign}(g_i)",
    ],
    "ASGD": [
        r"\theta \leftarrow (1 - \lambda \eta_t)\, \theta - \eta_t g, \quad "
        r"a \leftarrow a + \mu_t (\theta - a)",
    ],
    "SparseAdam": [*_ADAM, r"\text{only where the gradient has elements}"],
    "LBFGS": [
        r"\theta \leftarrow \theta - \eta H_k g, \quad "
        r"H_k: \text{ the inverse of the curvature, as the last steps show it}",
    ],
    "Adafactor": [
        r"R \leftarrow \beta R + (1 - \beta) \operatorname{mean}_j g^2, \quad "
        r"C \leftarrow \beta C + (1 - \beta) \operatorname{mean}_i g^2",
        r"\theta \leftarrow \theta - \eta_t \frac{g}{\sqrt{R C / \operatorname{mean} R}}",
    ],
    "Muon": [
        r"b \leftarrow \mu b + g, \quad \theta \leftarrow \theta - \eta\, U V^{\top}, \quad "
        r"b = U \Sigma V^{\top}",
    ],
}  # fmt: skip

SCHEDULES: dict[str, str] = {
    "LambdaLR": r"\eta_t = \eta_0 f(t)",
    "MultiplicativeLR": r"\eta_t = \eta_{t-1} f(t)",
    "StepLR": r"\eta_t = \eta_0 \gamma^{\lfloor t / s \rfloor}",
    "MultiStepLR": r"\eta_t = \eta_0 \gamma^{k}, \quad k: \text{ milestones passed}",
    "ConstantLR": r"\eta_t = \begin{cases} f \eta_0 & t < T \\ \eta_0 & \text{then} \end{cases}",
    "LinearLR": r"\eta_t = \eta_0 \left(a + (b - a) \frac{\min(t, T)}{T}\right)",
    "ExponentialLR": r"\eta_t = \eta_0 \gamma^t",
    "PolynomialLR": r"\eta_t = \eta_0 \left(1 - \frac{t}{T}\right)^p",
    "CosineAnnealingLR":
        r"\eta_t = \eta_{m} + \tfrac{1}{2} (\eta_0 - \eta_{m}) \left(1 + \cos \frac{\pi t}{T}\right)",
    "CosineAnnealingWarmRestarts":
        r"\eta_t = \eta_{m} + \tfrac{1}{2} (\eta_0 - \eta_{m}) \left(1 + \cos \frac{\pi t_i}{T_i}\right)",
    "CyclicLR": r"\eta_t = a + (b - a) \max(0, 1 - x), \quad x = |t / s - 2c + 1|",
    "ReduceLROnPlateau": r"\eta \leftarrow f \eta \quad \text{when the loss has not become better for a while}",
}  # fmt: skip
# What a schedule needs besides an optimizer, for an example.
GIVEN: dict[str, str] = {
    "LambdaLR": "lambda t: 0.9 ** t", "MultiplicativeLR": "lambda t: 0.9", "StepLR": "step_size=2",
    "MultiStepLR": "milestones=[2, 5]", "ExponentialLR": "gamma=0.5", "CosineAnnealingLR": "T_max=8",
    "CosineAnnealingWarmRestarts": "T_0=4", "CyclicLR": "base_lr=0.01, max_lr=0.1, step_size_up=3",
    "OneCycleLR": "max_lr=1.0, total_steps=12",
}  # fmt: skip
