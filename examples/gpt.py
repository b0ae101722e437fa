"""A small GPT that learns to add.

    rushlight run examples/gpt.py

Teaches: a decoder-only transformer from `nn` modules, causal attention through
`F.scaled_dot_product_attention`, learned positions, AdamW with and without decay, a warm-up and
cosine schedule, writing token by token. It reads sums such as "37+48=" and writes the digits of the
result, the lowest first. It must get 90 of 100 sums right that it was not trained on.

Source: Radford et al., "Improving language understanding by generative pre-training", 2018.
"""

import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

TOKENS = "0123456789+="
PLACE = {token: i for i, token in enumerate(TOKENS)}
BLOCK = 8  # "37+48=" and two of the three digits that follow


class CausalSelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)
        self.heads = heads

    def forward(self, x):
        batch, time, width = x.size()
        q, k, v = self.c_attn(x).split(width, dim=2)
        q, k, v = (
            t.view(batch, time, self.heads, width // self.heads).transpose(1, 2) for t in (q, k, v)
        )  # (batch, heads, time, width / heads)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(batch, time, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = CausalSelfAttention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, width=64, heads=4, layers=2):
        super().__init__()
        self.wte = nn.Embedding(len(TOKENS), width)
        self.wpe = nn.Embedding(BLOCK, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, len(TOKENS), bias=False)
        self.apply(self._init_weights)

    @staticmethod
    def _init_weights(module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, idx, targets=None):
        """Logits (batch, time, tokens), and the loss where targets are not -1."""
        positions = torch.arange(idx.size(1), device=idx.device)
        x = self.wte(idx) + self.wpe(positions)
        for block in self.blocks:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))
        if targets is None:
            return logits, None
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        return logits, loss

    @torch.no_grad()
    def generate(self, idx, count):
        """`idx` (batch, time) and `count` more tokens, each the likeliest."""
        for _ in range(count):
            logits, _ = self(idx[:, -BLOCK:])
            idx = torch.cat((idx, logits[:, -1].argmax(-1, keepdim=True)), dim=1)
        return idx

    def configure_optimizer(self, lr, weight_decay):
        """AdamW; matrices decay, biases and gains do not."""
        matrices = [p for p in self.parameters() if p.dim() >= 2]
        others = [p for p in self.parameters() if p.dim() < 2]
        groups = [
            {"params": matrices, "weight_decay": weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95))


def encoded(pairs):
    """Sums as tokens: (count, 9), "37+48=580" for 85."""
    texts = [f"{a:02}+{b:02}=" + f"{a + b:03}"[::-1] for a, b in pairs]
    return torch.tensor([[PLACE[letter] for letter in text] for text in texts])


def main():
    torch.manual_seed(0)
    everything = torch.cartesian_prod(torch.arange(100), torch.arange(100))
    everything = everything[torch.randperm(len(everything))]
    test, train = encoded(everything[:500].tolist()), encoded(everything[500:].tolist())
    model = GPT()
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
    steps, warm = 800, 100
    optimizer = model.configure_optimizer(lr=3e-3, weight_decay=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / warm) * (0.55 + 0.45 * math.cos(math.pi * step / steps)),
    )
    total = 0.0
    for step in range(1, steps + 1):
        batch = train[torch.randint(len(train), (96,))]
        targets = batch[:, 1:].clone()
        targets[:, :5] = -1  # the question is not to be learned
        _, loss = model(batch[:, :-1], targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
        if step % 200 == 0:
            print(f"step {step}: loss {total / 200:.4f}", flush=True)
            total = 0.0
    model.eval()
    written = model.generate(test[:, :6], 3)
    right = (written == test).all(1).float().mean().item()
    for row in written[:3].tolist():
        text = "".join(TOKENS[i] for i in row)
        print(f"  {text[:6]}{text[:5:-1]}")
    print(f"{right:.1%} of unseen sums right (at least 90 %)")
    return 0 if right >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
