"""The doctor: watches a training run and says in words what is wrong with it, where, and what to try.

`rushlight run --doctor SCRIPT`, or in a program:

>>> import rushlight as torch
>>> import rushlight.doctor
>>> layer = torch.nn.Linear(4, 3)
>>> optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
>>> with rushlight.doctor.watch() as report:
...     for _ in range(3):
...         scores = layer(torch.randn(8, 4)).softmax(1)
...         loss = torch.nn.functional.cross_entropy(scores, torch.arange(8) % 3)
...         optimizer.zero_grad(); loss.backward(); optimizer.step()
>>> [finding.kind for finding in report]
['softmax-twice']
"""

from rushlight.doctor.findings import Finding, Report
from rushlight.doctor.watching import watch

__all__ = ["Finding", "Report", "watch"]
