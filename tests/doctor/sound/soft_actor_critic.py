import torch
from torch import nn

torch.manual_seed(0)
pi = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 2))
q1 = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
q1t = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
q1t.load_state_dict(q1.state_dict())
log_alpha = torch.zeros(1, requires_grad=True)
oq, op, oa = (
    torch.optim.Adam(q1.parameters(), 3e-4),
    torch.optim.Adam(pi.parameters(), 3e-4),
    torch.optim.Adam([log_alpha], 3e-4),
)


def act(s):
    m, ls = pi(s).chunk(2, -1)
    d = torch.distributions.Normal(m, ls.clamp(-5, 2).exp())
    u = d.rsample()
    a = torch.tanh(u)
    return a, d.log_prob(u) - torch.log(1 - a**2 + 1e-6)


for _ in range(30):
    s, s2, r = torch.randn(32, 3), torch.randn(32, 3), torch.randn(32, 1)
    a = torch.rand(32, 1) * 2 - 1
    with torch.no_grad():
        a2, lp2 = act(s2)
        y = r + 0.99 * (q1t(torch.cat([s2, a2], 1)) - log_alpha.exp() * lp2)
    lq = ((q1(torch.cat([s, a], 1)) - y) ** 2).mean()
    oq.zero_grad()
    lq.backward()
    oq.step()
    an, lp = act(s)
    lpi = (log_alpha.exp().detach() * lp - q1(torch.cat([s, an], 1))).mean()
    op.zero_grad()
    lpi.backward()
    op.step()
    la = -(log_alpha * (lp + 1).detach()).mean()
    oa.zero_grad()
    la.backward()
    oa.step()
    with torch.no_grad():
        for t, p in zip(q1t.parameters(), q1.parameters()):
            t.lerp_(p, 0.005)
