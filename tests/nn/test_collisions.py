"""Names that classes of a program may take, since torch has none of them."""

from tests.parity import parity


def test_names_of_subclasses():
    parity("""
        class Gate(nn.Linear):
            def __init__(self):
                super().__init__(2, 2)
                self._shown = {"a": 1}

        class Mine(torch.Tensor):
            _shown = None
            _notes = 3

        class Sgd(torch.optim.SGD):
            title, counts, newer, instead = 1, 2, 3, 4

            def update(self):
                return "mine"

        print(Gate())
        print(torch.ones(2).as_subclass(Mine))
        w = torch.ones(2, requires_grad=True)
        optimizer = Sgd([w], lr=0.1, momentum=0.9)
        (w * w).sum().backward()
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        said = optimizer.update()
        _replica = Gate()._replicate_for_data_parallel()
        left = list(_replica.parameters()), _replica.in_features
    """)
