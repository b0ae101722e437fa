"""A pole on a cart, kept upright by a policy that learns from its own episodes (REINFORCE).

    rushlight run examples/reinforce.py

Teaches: `torch.distributions.Categorical`, sampling an action and the gradient of its logarithm,
discounted returns, one update an episode. The cart is simulated here. Before it is trained the pole
falls after about 20 steps; the mean of 50 episodes in a row must reach 150 of at most 200.

Source: Williams, "Simple statistical gradient-following algorithms", 1992; Barto, Sutton and
Anderson, "Neuronlike adaptive elements", 1983 (the cart).
"""

import math
import random
import sys
from collections import deque

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical

GRAVITY, CART, POLE, LENGTH, FORCE, TIME = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
LONGEST = 200


class CartPole:
    """State: place and speed of the cart, angle and speed of the pole; 1 pushes right, 0 left."""

    def reset(self):
        self.state = [random.uniform(-0.05, 0.05) for _ in range(4)]
        self.steps = 0
        return self.state

    def step(self, action):
        x, speed, angle, turning = self.state
        push = FORCE if action == 1 else -FORCE
        mass = CART + POLE
        inner = (push + POLE * LENGTH * turning**2 * math.sin(angle)) / mass
        turn = (GRAVITY * math.sin(angle) - math.cos(angle) * inner) / (
            LENGTH * (4 / 3 - POLE * math.cos(angle) ** 2 / mass)
        )
        gain = inner - POLE * LENGTH * turn * math.cos(angle) / mass
        self.state = [
            x + TIME * speed, speed + TIME * gain, angle + TIME * turning, turning + TIME * turn,
        ]
        self.steps += 1
        fallen = abs(self.state[0]) > 2.4 or abs(self.state[2]) > math.radians(12)
        return self.state, 1.0, fallen or self.steps >= LONGEST


class Policy(nn.Module):
    """Probabilities of the two actions in a state."""

    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 64)
        self.affine2 = nn.Linear(64, 2)

    def forward(self, state):
        return F.softmax(self.affine2(F.relu(self.affine1(state))), dim=-1)


def episode(cart, policy):
    """Run until the pole falls; the logarithms of what was chosen, and the rewards."""
    state, done = cart.reset(), False
    log_probs, rewards = [], []
    while not done:
        choice = Categorical(policy(torch.tensor(state)))
        action = choice.sample()
        log_probs.append(choice.log_prob(action))
        state, reward, done = cart.step(action.item())
        rewards.append(reward)
    return torch.stack(log_probs), rewards


def returns_of(rewards, gamma=0.99):
    """What was still to come at each step, later rewards counting less; mean 0, deviation 1."""
    total, returns = 0.0, deque()
    for reward in reversed(rewards):
        total = reward + gamma * total
        returns.appendleft(total)
    values = torch.tensor(returns)
    return (values - values.mean()) / (values.std() + 1e-6)


def main():
    torch.manual_seed(1)
    random.seed(1)
    cart, policy = CartPole(), Policy()
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    lengths = deque(maxlen=50)
    for number in range(1, 1001):
        log_probs, rewards = episode(cart, policy)
        lengths.append(len(rewards))
        loss = -(log_probs * returns_of(rewards)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mean = sum(lengths) / len(lengths)
        if number % 50 == 0:
            print(f"episode {number}: mean length of the last 50: {mean:.1f}")
        if len(lengths) == 50 and mean >= 150:
            print(f"reached {mean:.1f} after {number} episodes (at least 150 within 1,000)")
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
