"""The programs that are timed, written once against torch's API: each takes the module to use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Step = Callable[[], Any]


def training_step(torch: Any, model: Any, optimizer: Any, x: Any, y: Any) -> Step:
    """Forward, cross entropy, backward, update."""
    cross_entropy = torch.nn.functional.cross_entropy

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def lenet(torch: Any, batch: int) -> Step:
    """LeNet-5 with ReLU on 28 x 28 pixels, SGD with momentum."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84),
        nn.ReLU(), nn.Linear(84, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x, y = torch.randn(batch, 1, 28, 28), torch.randint(0, 10, (batch,))
    return training_step(torch, model, optimizer, x, y)


def mlp(torch: Any, batch: int, width: int = 128, depth: int = 1) -> Step:
    """784 inputs, `depth` hidden layers, Adam."""
    nn = torch.nn
    layers = [nn.Linear(784, width), nn.ReLU()]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(width, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    x, y = torch.randn(batch, 784), torch.randint(0, 10, (batch,))
    return training_step(torch, model, optimizer, x, y)


def resnet18(torch: Any, classes: int = 10, small: bool = True) -> Any:
    """ResNet-18; `small` has the stem for 32 x 32 pixels."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, inside: int, outside: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(outside)
            self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(outside)
            self.relu = nn.ReLU()
            self.skip = nn.Identity()
            if stride > 1 or inside != outside:
                self.skip = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False),
                                          nn.BatchNorm2d(outside))

        def forward(self, x: Any) -> Any:
            y = self.relu(self.norm1(self.conv1(x)))
            return self.relu(self.norm2(self.conv2(y)) + self.skip(x))

    widths = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2),
              (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    stem = nn.Conv2d(3, 64, 3, 1, 1, bias=False) if small else nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    pool = [] if small else [nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(stem, nn.BatchNorm2d(64), nn.ReLU(), *pool,
                         *(Block(*width) for width in widths), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(512, classes))


def resnet18_step(torch: Any, batch: int = 16) -> Step:
    """ResNet-18 on 32 x 32 pixels, SGD with momentum."""
    model = resnet18(torch)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,))
    return training_step(torch, model, optimizer, x, y)


def resnet18_inference(torch: Any, size: int = 224) -> Step:
    """One picture through ResNet-18."""
    model = resnet18(torch, 1000, small=False).eval()
    x = torch.randn(1, 3, size, size)

    def run() -> None:
        with torch.no_grad():
            model(x)

    return run


def gpt(torch: Any, width: int = 192, layers: int = 4, heads: int = 6, context: int = 128) -> Any:
    """A small GPT over bytes; (batch, time) tokens give (batch, 256, time) scores."""
    nn, functional = torch.nn, torch.nn.functional

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(),
                                     nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            batch, time, _ = x.shape
            split = self.qkv(self.norm1(x)).view(batch, time, 3, heads, width // heads)
            q, k, v = split.permute(2, 0, 3, 1, 4).unbind(0)  # (batch, heads, time, dim)
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(batch, time, width))
            return x + self.mlp(self.norm2(x))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(256, width), nn.Embedding(context, width)
            self.layers = nn.Sequential(*(Layer() for _ in range(layers)))
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 256, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
            return self.head(self.norm(self.layers(x))).transpose(1, 2)

    return GPT()


def gpt_step(torch: Any, batch: int = 16, context: int = 128, **sizes: int) -> Step:
    """One step of a small GPT with AdamW on its own input."""
    model = gpt(torch, context=context, **sizes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    tokens = torch.randint(0, 256, (batch, context))
    return training_step(torch, model, optimizer, tokens, tokens)


def gpt_decode(torch: Any, context: int = 64) -> Step:
    """The next token after `context` tokens, without a cache."""
    model = gpt(torch).eval()
    tokens = torch.randint(0, 256, (1, context))

    def run() -> Any:
        with torch.no_grad():
            return model(tokens)[..., -1].argmax(-1)

    return run


def recurrent(torch: Any, kind: str = "LSTM", batch: int = 32, time: int = 50,
              width: int = 128) -> Step:
    """A recurrent layer over (batch, time, 64), forward and backward."""
    layer = getattr(torch.nn, kind)(64, width, batch_first=True)
    x = torch.randn(batch, time, 64)
    return lambda: layer(x)[0].sum().backward()


def packed_gru(torch: Any) -> Step:
    """A GRU over sequences of 50, 49, ... 19 steps, packed."""
    layer, x = torch.nn.GRU(64, 128, batch_first=True), torch.randn(32, 50, 64)
    lengths, rnn = torch.arange(50, 18, -1), torch.nn.utils.rnn

    def run() -> None:
        output, _ = layer(rnn.pack_padded_sequence(x, lengths, batch_first=True))
        rnn.pad_packed_sequence(output, batch_first=True)[0].sum().backward()

    return run


def cell_loop(torch: Any) -> Step:
    """50 steps of an LSTMCell in a Python loop, forward and backward."""
    cell, x = torch.nn.LSTMCell(64, 128), torch.randn(32, 50, 64)

    def run() -> None:
        h = c = torch.zeros(32, 128)
        for t in range(50):
            h, c = cell(x[:, t], (h, c))
        h.sum().backward()

    return run


def transformer_layer(torch: Any, batch: int = 8, time: int = 128, width: int = 256) -> Step:
    """One encoder layer over (batch, time, width), forward and backward."""
    layer = torch.nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True)
    x = torch.randn(batch, time, width)
    return lambda: layer(x).sum().backward()


def parameters(torch: Any, count: int = 10) -> list[Any]:
    """Million-element parameters with gradients of ones."""
    made = [torch.nn.Parameter(torch.randn(1000, 1000)) for _ in range(count)]
    for parameter in made:
        parameter.grad = torch.ones(1000, 1000)
    return made


def adam(torch: Any) -> Step:
    """An Adam step over ten million parameters."""
    return torch.optim.Adam(parameters(torch)).step


def clip(torch: Any) -> Step:
    """`clip_grad_norm_` over ten million parameters."""
    made = parameters(torch)
    return lambda: torch.nn.utils.clip_grad_norm_(made, 1.0)
