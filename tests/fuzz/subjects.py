"""The modules and optimizers that programs may make."""

OPTIMIZERS = (
    "SGD(lr=0.1)",
    "SGD(lr=0.1, momentum=0.9)",
    "SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)",
    "SGD(lr=0.1, maximize=True)",
    "Adam(lr=0.1)",
    "Adam(lr=0.1, amsgrad=True, weight_decay=0.1)",
    "AdamW(lr=0.1)",
    "RMSprop(lr=0.01, momentum=0.5, centered=True)",
    "Adagrad(lr=0.1)",
    "Adadelta(lr=1.0)",
    "Adamax(lr=0.1)",
    "NAdam(lr=0.1)",
    "RAdam(lr=0.1)",
    "ASGD(lr=0.1)",
    "Rprop(lr=0.1)",
    "Adam(lr=0.1, foreach=True)",
)

# Modules, and a shape that each accepts.
MODULES: dict[str, tuple[int, ...]] = {
    "nn.Linear(3, 2)": (2, 3),
    "nn.Linear(3, 3)": (3, 3),
    "nn.Linear(2, 1, bias=False)": (3, 2),
    "nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))": (2, 3),
    "nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Dropout(0.5))": (3, 3),
    "nn.LayerNorm(3)": (2, 3),
    "nn.BatchNorm1d(3)": (2, 3),
    "nn.Conv2d(2, 2, 1)": (1, 2, 2, 3),
    "nn.Conv2d(1, 2, 2)": (2, 1, 3, 3),
    "nn.BatchNorm2d(2)": (2, 2, 2, 1),
    "nn.PReLU()": (3,),
    "nn.GRU(3, 2)": (2, 3),
    "nn.LSTM(3, 2, batch_first=True)": (1, 2, 3),
    "nn.RNN(3, 2)": (2, 2, 3),
    "nn.GroupNorm(1, 2)": (2, 2, 2),
    "nn.Flatten()": (2, 2, 3),
    "nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))": (3, 3),
    "nn.Dropout(0.25)": (2, 3),
    "nn.TransformerEncoderLayer(4, 2, 4, batch_first=True)": (1, 3, 4),
}
