"""A variational autoencoder of handwritten digits.

    rushlight run examples/vae.py

Teaches: an encoder that answers with a distribution, the step that lets gradients pass through
sampling (`mu + eps * std`), a loss of two parts, saving images made from chance. The digits are
those that lie beside Rushlight (10,000 for training, 2,000 for the test). The loss of a test digit
must fall below 125.

Source: Kingma and Welling, "Auto-encoding variational Bayes", 2013.
"""

import argparse
import gzip
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader

DIGITS = Path(__file__).parents[1] / "rushlight/vision/datasets/embedded/MNIST/raw"


def images(part):
    """(count, 784) float32 of 0..1."""
    data = gzip.decompress((DIGITS / f"{part}-images-idx3-ubyte.gz").read_bytes())
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=16).copy()).view(-1, 784) / 255.0


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21 = nn.Linear(400, 20)
        self.fc22 = nn.Linear(400, 20)
        self.fc3 = nn.Linear(20, 400)
        self.fc4 = nn.Linear(400, 784)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon, x, mu, logvar):
    """How badly the pixels are told, and how far the code is from a standard normal one."""
    bce = F.binary_cross_entropy(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


def run(model, loader, optimizer=None):
    """One pass; the mean loss of an image."""
    model.train(optimizer is not None)
    total = 0.0
    with torch.set_grad_enabled(optimizer is not None):
        for x in loader:
            recon, mu, logvar = model(x)
            loss = loss_function(recon, x, mu, logvar)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item()
    return total / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--samples", help="write 64 digits made from chance to this .pgm file")
    args = parser.parse_args()
    torch.manual_seed(1)
    train_loader = DataLoader(images("train"), batch_size=64, shuffle=True)
    test_loader = DataLoader(images("t10k"), batch_size=500)
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, args.epochs + 1):
        train_loss = run(model, train_loader, optimizer)
        test_loss = run(model, test_loader)
        print(f"epoch {epoch}: training {train_loss:.2f}, test {test_loss:.2f}", flush=True)
    if args.samples:
        with torch.no_grad():
            grid = model.decode(torch.randn(64, 20)).view(8, 8, 28, 28).transpose(1, 2)
        pixels = (grid.reshape(224, 224) * 255).to(torch.uint8).numpy()
        Path(args.samples).write_bytes(b"P5 224 224 255\n" + pixels.tobytes())
    print(f"{test_loss:.2f} for a test digit (below 125)")
    return 0 if test_loss < 125 else 1


if __name__ == "__main__":
    sys.exit(main())
