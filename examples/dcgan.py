"""Two convolutional nets against each other: one draws digits, one tells them from real ones.

    rushlight run examples/dcgan.py

Teaches: transposed convolutions, weights of one's own choice through `apply`, two optimizers in one
loop, `detach`. Trained on the 10,000 digits that lie beside Rushlight. Whether the drawings are
digits is judged by a third net, which knows digits: it is sure (0.9 and more) of about 80 of 100
real ones and of none made of noise. It must be sure of 15 of 100 drawings, and see at least eight
different digits among them.

Source: Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional
generative adversarial networks", 2015.
"""

import argparse
import gzip
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

DIGITS = Path(__file__).parents[1] / "rushlight/vision/datasets/embedded/MNIST/raw"
CODE = 64


def read(name, start):
    data = gzip.decompress((DIGITS / f"{name}-ubyte.gz").read_bytes())
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=start).copy())


def digits():
    """(count, 1, 28, 28) of -1..1, and the digits (count,)."""
    images = read("train-images-idx3", 16).view(-1, 1, 28, 28).float() / 127.5 - 1
    return images, read("train-labels-idx1", 8).long()


def generator():
    """A code (count, CODE, 1, 1) to a drawing (count, 1, 28, 28)."""
    return nn.Sequential(
        nn.ConvTranspose2d(CODE, 64, 7, 1, 0, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(True),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(True),
        nn.ConvTranspose2d(32, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )


def discriminator():
    """A drawing to how real it looks (count,), as a logit."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 4, 2, 1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(32, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(64, 1, 7),
        nn.Flatten(0),
    )


def weights_init(module):
    name = module.__class__.__name__
    if name.find("Conv") != -1:
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif name.find("BatchNorm") != -1:
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def train_critic(images, labels):
    """A net that knows digits, to judge the drawings."""
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )
    optimizer = optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(2):
        for x, y in DataLoader(TensorDataset(images, labels), batch_size=64, shuffle=True):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net


def judge(critic, drawings):
    """Of how many the critic is sure, and how many digits it sees among those."""
    with torch.no_grad():
        sure, digit = critic(drawings).softmax(1).max(1)
    seen = digit[sure >= 0.9]
    return len(seen) / len(drawings), len(seen.unique())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    torch.manual_seed(0)
    images, labels = digits()
    critic = train_critic(images, labels)
    net_g, net_d = generator(), discriminator()
    net_g.apply(weights_init)
    net_d.apply(weights_init)
    criterion = nn.BCEWithLogitsLoss()
    optimizer_d = optim.Adam(net_d.parameters(), lr=5e-4, betas=(0.5, 0.999))
    optimizer_g = optim.Adam(net_g.parameters(), lr=1e-3, betas=(0.5, 0.999))
    fixed = torch.randn(500, CODE, 1, 1)
    loader = DataLoader(images, batch_size=64, shuffle=True, drop_last=True)
    for epoch in range(1, args.epochs + 1):
        sums = [0.0, 0.0]
        for real in loader:
            ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
            fake = net_g(torch.randn(len(real), CODE, 1, 1))
            optimizer_d.zero_grad()
            loss_d = criterion(net_d(real), ones) + criterion(net_d(fake.detach()), zeros)
            loss_d.backward()
            optimizer_d.step()

            optimizer_g.zero_grad()
            loss_g = criterion(net_d(fake), ones)
            loss_g.backward()
            optimizer_g.step()
            sums[0] += loss_d.item()
            sums[1] += loss_g.item()
        with torch.no_grad():  # in training mode: the running statistics lag behind the weights
            sure, kinds = judge(critic, net_g(fixed))
        print(f"epoch {epoch}: discriminator {sums[0] / len(loader):.3f}, generator "
              f"{sums[1] / len(loader):.3f}; sure of {sure:.1%}, {kinds} digits", flush=True)
    print(f"sure of {sure:.1%} of the drawings (at least 15 %), {kinds} digits (at least 8)")
    return 0 if sure >= 0.15 and kinds >= 8 else 1


if __name__ == "__main__":
    sys.exit(main())
