"""Small whole programs as torch users write them; each returns its losses.

They are written against torch's names alone, so the same text runs on either library.
"""

from __future__ import annotations

from typing import Any


def autoencoder(torch: Any) -> list[float]:
    """A variational autoencoder (Kingma and Welling, 2013)."""
    nn, functional = torch.nn, torch.nn.functional
    torch.manual_seed(0)

    class Autoencoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode = nn.Linear(50, 32)
            self.mean, self.log_variance = nn.Linear(32, 4), nn.Linear(32, 4)
            self.decode = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 50))

        def forward(self, x: Any) -> tuple:
            hidden = functional.relu(self.encode(x))
            mean, log_variance = self.mean(hidden), self.log_variance(hidden)
            deviation = torch.exp(0.5 * log_variance)
            code = mean + torch.randn_like(deviation) * deviation
            return torch.sigmoid(self.decode(code)), mean, log_variance

    net = Autoencoder()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    x = torch.rand(64, 50)
    losses = []
    for _ in range(15):
        y, mean, log_variance = net(x)
        likelihood = functional.binary_cross_entropy(y, x, reduction="sum")
        loss = likelihood - 0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def adversaries(torch: Any) -> list[float]:
    """A convolutional generator against a discriminator (Radford et al., 2015)."""
    nn = torch.nn
    torch.manual_seed(1)
    generator = nn.Sequential(
        nn.ConvTranspose2d(8, 16, 4, 1, 0, bias=False), nn.BatchNorm2d(16), nn.ReLU(True),
        nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh())
    critic = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True),
                           nn.Conv2d(8, 1, 4, 1, 0), nn.Flatten())

    def initialise(module: Any) -> None:
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight.data, 0.0, 0.02)

    generator.apply(initialise)
    critic.apply(initialise)
    steps = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999))
             for net in (generator, critic)]
    criterion, real = nn.BCEWithLogitsLoss(), torch.randn(16, 1, 8, 8)
    losses = []
    for _ in range(8):
        critic.zero_grad()
        label = torch.full((16, 1), 1.0)
        on_real = criterion(critic(real), label)
        on_real.backward()
        fake = generator(torch.randn(16, 8, 1, 1))
        on_fake = criterion(critic(fake.detach()), label.fill_(0.0))
        on_fake.backward()
        steps[1].step()
        generator.zero_grad()
        fooled = criterion(critic(fake), label.fill_(1.0))
        fooled.backward()
        steps[0].step()
        losses += [on_real.item() + on_fake.item(), fooled.item()]
    return losses


def characters(torch: Any) -> list[float]:
    """A two-layer LSTM over characters, its state carried from batch to batch."""
    nn, functional = torch.nn, torch.nn.functional
    torch.manual_seed(2)

    class Characters(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(20, 16)
            self.recur = nn.LSTM(16, 32, 2, batch_first=True, dropout=0.2)
            self.out = nn.Linear(32, 20)

        def forward(self, x: Any, state: Any = None) -> tuple:
            y, state = self.recur(self.embed(x), state)
            return self.out(y), state

    net = Characters()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    x = torch.randint(0, 20, (8, 25))
    losses, state = [], None
    for _ in range(8):
        y, state = net(x, state)
        state = tuple(t.detach() for t in state)
        loss = functional.cross_entropy(y.reshape(-1, 20), x.roll(-1, 1).reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def language(torch: Any) -> list[float]:
    """A causal Transformer with dropout, under a one-cycle schedule."""
    nn, functional = torch.nn, torch.nn.functional
    torch.manual_seed(3)

    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(30, 32)
            self.position = nn.Parameter(torch.zeros(1, 16, 32))
            layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
            self.layers = nn.TransformerEncoder(layer, 2)
            self.out = nn.Linear(32, 30)

        def forward(self, x: Any) -> Any:
            mask = nn.Transformer.generate_square_subsequent_mask(x.size(1))
            return self.out(self.layers(self.embed(x) + self.position[:, :x.size(1)], mask=mask))

    net = Language()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=8)
    x = torch.randint(0, 30, (4, 16))
    losses = []
    for _ in range(8):
        loss = functional.cross_entropy(net(x[:, :-1]).transpose(1, 2), x[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def policy(torch: Any) -> list[float]:
    """REINFORCE (Williams, 1992) on a guessing game, with an entropy term."""
    nn, functional = torch.nn, torch.nn.functional
    torch.manual_seed(4)
    net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    losses = []
    for _ in range(12):
        seen = torch.randn(10, 4)
        chances = functional.softmax(net(seen), dim=-1)
        action = torch.multinomial(chances, 1).squeeze(1)
        log_chance = torch.log(chances.gather(1, action.unsqueeze(1))).squeeze()
        reward = (action == (seen[:, 0] > 0).long()).float() - 0.5
        entropy = (chances * chances.log()).sum(1).mean()
        loss = -(log_chance * reward).mean() + 0.01 * entropy
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


PROGRAMS = (autoencoder, adversaries, characters, language, policy)
