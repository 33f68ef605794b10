"""A cart learns to keep a pole upright, by trying: policy gradient on 64 carts at once.

    rushlight run examples/pole.py

The equations are those of Barto, Sutton and Anderson, Neuronlike Adaptive Elements That Can Solve Difficult
Learning Control Problems, 1983, without friction; the method is Williams' REINFORCE, 1992.
"""

import argparse
from pathlib import Path

import torch
from torch import nn

GRAVITY, CART, POLE, HALF, FORCE, TICK = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
FAR, LEANING = 2.4, 12 * 3.14159265 / 180


def moved(state, right):
    """Where carts and poles are a fiftieth of a second later, pushed to the right or to the left."""
    _, speed, angle, turning = state.unbind(1)
    force = FORCE * (2.0 * right - 1)
    sine, cosine = angle.sin(), angle.cos()
    whole = CART + POLE
    pull = (force + POLE * HALF * turning.square() * sine) / whole
    bend = (GRAVITY * sine - cosine * pull) / (HALF * (4 / 3 - POLE * cosine.square() / whole))
    push = pull - POLE * HALF * bend * cosine / whole
    return state + TICK * torch.stack([speed, push, turning, bend], 1)


def play(policy, carts, most):
    """States, choices, and who was still standing, by time; until all have fallen."""
    state = torch.rand(carts, 4) / 10 - 0.05
    standing = torch.ones(carts, dtype=torch.bool)
    states, choices, alive = [], [], []
    with torch.no_grad():
        while standing.any() and len(states) < most:
            right = torch.bernoulli(policy(state)[:, 0].sigmoid())
            states.append(state)
            choices.append(right)
            alive.append(standing)
            state = moved(state, right)
            standing = standing & (state[:, 0].abs() < FAR) & (state[:, 2].abs() < LEANING)
    return torch.stack(states), torch.stack(choices), torch.stack(alive).float()


def draw(lengths, states, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    left.plot(lengths, color="tab:orange")
    left.set(xlabel="round", ylabel="ticks until it falls, on average")
    left.grid(alpha=0.3)
    colours = pyplot.get_cmap("viridis")
    for number in range(0, len(states), 4):
        place, _, angle, _ = states[number].tolist()
        tip = (
            place + 2 * HALF * torch.tensor(angle).sin().item(),
            torch.tensor(angle).cos().item(),
        )
        colour = colours(number / len(states))
        right.plot([place, tip[0]], [0, tip[1]], color=colour, alpha=0.6)
        right.plot(place, 0, "s", color=colour, markersize=4)
    right.set(
        xlabel="place",
        title="one run of the trained cart, early dark, late bright",
        ylim=(-0.1, 1.2),
    )
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--carts", type=int, default=64)
    parser.add_argument(
        "--most", type=int, default=300, help="ticks after which a run has succeeded"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the picture")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    lengths = []
    for number in range(1, args.rounds + 1):
        states, choices, alive = play(policy, args.carts, args.most)
        lengths.append(alive.sum(0).mean().item())
        # A choice is worth what came after it, with less weight on what came late, beside what others had then.
        worth = torch.zeros_like(alive)
        after = torch.zeros(args.carts)
        for tick in reversed(range(len(alive))):
            after = alive[tick] * (1 + 0.98 * after)
            worth[tick] = after
        mean = (worth * alive).sum() / alive.sum()
        gain = (worth - mean) / ((worth - mean).square() * alive).sum().div(alive.sum()).sqrt().add(
            1e-6
        )
        surprise = nn.functional.binary_cross_entropy_with_logits(
            policy(states)[..., 0], choices, reduction="none"
        )
        loss = (surprise * gain * alive).sum() / alive.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if number == 1 or number % max(1, args.rounds // 10) == 0:
            print(f"round {number:3}: upright for {lengths[-1]:.1f} ticks, loss {loss.item():.4f}")
    states, _, _ = play(policy, 1, args.most)
    args.out.mkdir(parents=True, exist_ok=True)
    draw(lengths, states[:, 0], args.out / "pole.png")
    print(f"picture: {args.out}/pole.png")


if __name__ == "__main__":
    main()
