"""Nested tensors: programs of both layouts, statement by statement as torch runs them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from .transcripts import differences  # noqa: E402

START = """
from functools import partial
a, b, c = data(2, 4), data(5, 4, seed=1), data(1, 4, seed=2)
x = torch.nested.nested_tensor([a, b, c], layout=torch.LAYOUT)
"""

BOTH = {
    "what it is": """
        x.is_nested, x.layout, x.dim(), x.ndim, x.numel(), x.size(0), x.size(2), x.size(-1)
        x.dtype, x.requires_grad, x.is_leaf, x.device, x.is_floating_point(), x.element_size()
        isinstance(x, torch.Tensor), torch.is_tensor(x), x.grad_fn
        x.unbind()
        x[0], x[-1], x[1][2]
        x.size(3)
        x.unbind(1)
        bool(x)
        x.item()
        x
    """,
    "making": """
        torch.nested.nested_tensor([[1, 2], [3]], layout=torch.LAYOUT)
        torch.nested.nested_tensor([[1., 2.], [3.]], layout=torch.LAYOUT, dtype=torch.float64)
        torch.nested.nested_tensor([a, b], layout=torch.LAYOUT, dtype=torch.float64)
        torch.nested.nested_tensor(list(a.split(1)), layout=torch.LAYOUT)
        torch.nested.as_nested_tensor([a, b], layout=torch.LAYOUT)
        torch.nested.as_nested_tensor(data(2, 3, 4), layout=torch.LAYOUT)
        torch.nested.as_nested_tensor(x, layout=torch.LAYOUT) is x
        torch.nested.as_nested_tensor(x, layout=torch.LAYOUT, dtype=torch.float64)
        torch.nested.as_nested_tensor(a[0], layout=torch.LAYOUT)
        torch.nested.as_nested_tensor(3)
        torch.nested.nested_tensor(3)
        torch.nested.nested_tensor([a, b], layout=torch.sparse_coo)
        torch.nested.nested_tensor([a, b[0]], layout=torch.LAYOUT)
        a.requires_grad_()
        torch.nested.nested_tensor([a, b], layout=torch.LAYOUT).requires_grad
        torch.nested.as_nested_tensor([a, b], layout=torch.LAYOUT).requires_grad
        torch.nested.as_nested_tensor([a, b], layout=torch.LAYOUT)
        y = torch.nested.nested_tensor([a], layout=torch.LAYOUT)
        y[0].zero_()
        a
    """,
    "padded": """
        x.to_padded_tensor(0.0)
        torch.nested.to_padded_tensor(x, -1.0)
        x.to_padded_tensor(0.0, (3, 7, 4))
        torch.nested.to_padded_tensor(a, 0.0)
        y = torch.nested.nested_tensor([data(2, 3, 4), data(2, 5, 4)], layout=torch.LAYOUT)
        y.to_padded_tensor(0.0)
        y.size(1), y.size(3)
    """,
    "gradients of a leaf": """
        x.requires_grad_()
        x.requires_grad, x.is_leaf
        y = x * 2
        y.requires_grad, y.is_leaf
        (y * y).to_padded_tensor(0.0).sum().backward()
        x.grad
        torch.autograd.grad((x * x).to_padded_tensor(0.0).sum(), x)
        x.grad = None
        x.unbind()[1].sum().backward()
        x.grad
        x.detach().requires_grad
        with torch.no_grad():
            x.mul_(2)
        x
    """,
    "gradients of components": """
        a.requires_grad_(), b.requires_grad_()
        y = torch.nested.as_nested_tensor([a, b], layout=torch.LAYOUT)
        loss = (torch.nn.functional.gelu(y) * y).to_padded_tensor(1.0).square().sum()
        loss.backward()
        a.grad, b.grad
        y = torch.nested.as_nested_tensor([a, b], layout=torch.LAYOUT)
        y.backward(y.detach().clone())
        a.grad, b.grad
        y = torch.nested.as_nested_tensor([a, b], layout=torch.LAYOUT) * 3
        log = []
        h = y.register_hook(lambda g: log.append(g))
        y.to_padded_tensor(0.0).sum().backward()
        log
    """,
    "by element": """
        x + 1, 2 * x, x - 0.5, x / 2, -x
        x + x, x * x, x - x, x * torch.tensor(2.0)
        F.relu(x), F.gelu(x), F.silu(x), x.abs(), torch.tanh(x), F.gelu(x, approximate="tanh")
        x.sqrt(), torch.sin(x), x.cos(), torch.sgn(x), torch.logical_not(x), x > 0, x >= 0.1
        x.clone().add_(1), x.clone().mul_(x), x.clone().relu_()
        y = x.clone()
        z = y
        z += 1
        y is z, y
        x.masked_fill(x > 0, 0.0)
        torch.zeros_like(x), torch.ones_like(x), x.clone().fill_(3.0), x.clone().zero_()
        x.to(torch.float64), x.double(), x.half().dtype, x.float().dtype, x.to("cpu").dtype
        x.clone(), x.detach(), x.contiguous()
        x + torch.nested.nested_tensor([b, a, c], layout=torch.LAYOUT)
        x.is_same_size(x + 1)
    """,
    "linear and norms": """
        l = nn.Linear(4, 3)
        l(x), F.linear(x, data(3, 4))
        nn.LayerNorm(4)(x)
        l(x).to_padded_tensor(0.0).square().sum().backward()
        l.weight.grad, l.bias.grad
        n = nn.LayerNorm(4)
        n(x * 2).to_padded_tensor(0.0).pow(3).sum().backward()
        n.weight.grad, n.bias.grad
        F.softmax(x, -1), x.softmax(2), torch.softmax(x, dim=-1)
        m = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        m(x)
        e = nn.Embedding(7, 3)
        ids = torch.nested.nested_tensor([[1, 2, 3], [6]], layout=torch.LAYOUT)
        e(ids)
        F.softmax(x, 0)
    """,
    "dropout": """
        g = torch.manual_seed(3)
        F.dropout(x, 0.4)
        nn.Dropout(0.4).eval()(x)
        nn.Dropout(0.1)(x)
        nn.Dropout(0.0)(x), torch.rand(2), F.dropout(x, 1.0), torch.rand(2)
        F.dropout(x, 0.0, training=False), torch.rand(2)
    """,
    "sums": """
        x.sum(-1, keepdim=True)
        x.sum(2, keepdim=True)
        x.sum(0)
    """,
    "heads": """
        h = x.view(3, -1, 2, 2)
        h.size(2), h.dim(), h
        x.reshape(3, -1, 4, 1)
        t = h.transpose(1, 2)
        t.size(1), t, t.is_contiguous(), t.dim()
        t.transpose(1, 2).reshape(3, -1, 4)
        t.contiguous().to_padded_tensor(0.0)
        x.transpose(1, 2), x.transpose(-1, -2)
        x.transpose(0, 1)
        x.unsqueeze(-1), x.unsqueeze(2).squeeze(2)
        x.chunk(2, -1), x.chunk(4, 2)
        x.select(0, 1)
        t.contiguous() + t.contiguous(), F.relu(t.contiguous())
    """,
    "joining": """
        torch.cat([x, x * 2], -1)
        torch.cat([x, x], dim=2).size(2)
    """,
    "attention": """
        k = torch.nested.nested_tensor([data(n, 16, seed=10 + n) for n in (2, 5, 1)],
                                       layout=torch.LAYOUT)
        order = (lambda t: t.contiguous()) if k.layout is torch.strided else (lambda t: t)
        split = lambda t: order(t.reshape(3, -1, 2, 8).transpose(1, 2))
        F.scaled_dot_product_attention(split(k), split(k), split(k))
        F.scaled_dot_product_attention(split(k), split(k), split(k)).transpose(1, 2).size(2)
        F.scaled_dot_product_attention(split(k), split(k + 1), split(k * 2), scale=0.3)
        F.scaled_dot_product_attention(split(k), split(k), data(3, 2, 5, 8))
    """,
    "products": """
        torch.bmm(x, data(3, 4, 2))
        torch.bmm(x, data(2, 4, 2))
        torch.matmul(x, data(4, 4, 4, 2))
    """,
}

JAGGED = {
    "sizes": """
        x.offsets(), x.values(), x.lengths(), x.is_contiguous()
        x.shape == (x + 1).shape, x.size(1) == x.size(1), x.size(1) == 5, x.size(1) != 5
        x.size(1) >= 2, x.size(1) > 1, x.size(1) == 1
        isinstance(x.size(1), torch.SymInt), hash(x.size(1)) == hash((x * 2).size(1))
        len(x.shape), x.shape[0], x.shape[-1], x.shape[2:]
        b, j, d = x.size()
        x.view(b, j, 2, 2).shape[2:], x.reshape(b, j, d, 1), x.unflatten(-1, (2, 2))
        x.view(3, -1, 7)
        x.expand_as(x), x.unsqueeze(-1).expand(b, j, d, 3)
        j * 2 == 2 * j, j * 2 == j
    """,
    "of values and offsets": """
        v, o = data(8, 3), torch.tensor([0, 2, 2, 8])
        y = torch.nested.nested_tensor_from_jagged(v, o)
        y, y.values(), y.offsets(), y.lengths()
        torch.nested.nested_tensor_from_jagged(v, offsets=o, min_seqlen=0, max_seqlen=6)
        torch.nested.nested_tensor_from_jagged(v, lengths=torch.tensor([3, 5]))
        z = torch.nested.nested_tensor_from_jagged(v, o, lengths=torch.tensor([1, 0, 4]))
        z, z.lengths(), z.offsets(), z.values(), z.is_contiguous()
        torch.nested.nested_tensor_from_jagged(v.t(), o, jagged_dim=2)
        torch.nested.nested_tensor_from_jagged(v)
        torch.nested.nested_tensor_from_jagged(v, o, jagged_dim=0)
        y + torch.nested.nested_tensor_from_jagged(v, offsets=y.offsets())
        w = torch.nested.nested_tensor_from_jagged(torch.cat([v, v], -1), offsets=y.offsets())
        w.size(1) == y.size(1)
        v = v.clone().requires_grad_()
        torch.nested.nested_tensor_from_jagged(v, o).sin().values().square().sum().backward()
        v.grad
    """,
    "narrow and masked_select": """
        p = data(3, 6, 2)
        s, n = torch.tensor([0, 1, 2]), torch.tensor([2, 0, 4])
        y = torch.nested.narrow(p, 1, s, n, layout=torch.jagged)
        y, y.offsets(), y.lengths(), y.is_contiguous()
        y.contiguous(), y.contiguous().offsets()
        torch.nested.narrow(p, 1, 1, 2, layout=torch.jagged)
        torch.nested.narrow(p, 0, 1, 2, layout=torch.jagged)
        torch.nested.narrow(p, 1, s, n)
        torch.nested.narrow(p, 0, 1, 2)
        torch.nested.narrow(p, 1, "a", n, layout=torch.jagged)
        m = torch.tensor([[True, False, True], [False, False, True]])
        torch.nested.masked_select(torch.arange(6).reshape(2, 3), m)
        torch.nested.masked_select(torch.arange(3), m[0])
    """,
    "folds": """
        x.sum(), x.mean(), x.max(), x.min()
        x.sum(1), x.mean(1), x.sum(-1), x.mean(-1), x.sum(1, keepdim=True), x.mean(2)
        x.sum(-1, keepdim=True), x.mean(-1, keepdim=True)
        x.sum((0, 1)), x.sum((0, 1, 2)), x.mean(dim=1, keepdim=True)
        x.amax(1), x.amin(1), x.amax(-1), x.amin(-1, keepdim=True)
        x.max(1), x.min(1), x.max(-1)
        x.argmax(1), x.argmin(1), x.argmax(-1)
        x.prod(1), (x > 0).any(1), (x > 0).all(1), (x > 0).any(), (x > -9).all()
        x.softmax(1), F.log_softmax(x, -1)
        x.mean(0)
        x.requires_grad_()
        (x.amax(1).sum() + x.mean(-1).values().sin().sum() + x.mean() * 3 + torch.cat(
            [x, x * 2], -1).softmax(-1).values().square().sum()).backward()
        x.grad
    """,
    "beside dense operands": """
        x + data(4), data(4) * x, x * data(1, 4), x + data(1, 1, 4)
        x + data(3, 1, 4), x * data(3, 1, 1), x - x.mean(1, keepdim=True)
        x + data(3, 5, 4), data(3, 5, 1) * x
        x * x.sum(-1, keepdim=True)
        x + data(1, 3, 5, 4)
        x + data(7)
        x ** 2, torch.where(x > 0, x, 0.0), x.clamp(-0.5, 0.5), torch.maximum(x, x * 2), x == x
        torch.sigmoid(x), x.exp(), x.log1p().isnan(), torch.rsub(x, 1), x.pow(3), torch.exp(x)
        w = data(4).requires_grad_()
        (x * w).values().sum().backward()
        w.grad
    """,
    "transposed": """
        h = x.unflatten(-1, (2, 2)).transpose(1, 2)
        h.shape[0], h.shape[1], h.shape[3], h.size(2) == x.size(1)
        h.values(), h.offsets()
        h.sum(1), h.sum(2), h.sum(-1), h.sum(2, keepdim=True), h.sum(1, keepdim=True), h.mean(2)
        h.softmax(-1), h + 1, h * h, h * data(3, 2, 1, 2), F.layer_norm(h, (2,))
        h.permute(0, 2, 1, 3), h.transpose(1, 2).flatten(-2), h.contiguous(), h.clone()
        h.flatten(1, 2)
        h.unsqueeze(1).shape[:3], h.unsqueeze(-1), h.transpose(1, 3)
        h.transpose(0, 1)
        h.permute(1, 0, 2, 3)
        h.select(-1, 0), h.amax(2), h.max(2)
        h.to_padded_tensor(0.0), h.unbind()
    """,
    "parts": """
        x.split(3, -1), x.split([1, 3], 2), x.narrow(2, 1, 2), x.select(2, 1), x[..., None]
        x[..., 0], x[0, 1], x[1, ...], x[2, 0, 1:]
        x.chunk(2, 1)
        x.chunk(2, 0)
        x.narrow(1, 0, 1)
        x.flatten(1)
        x.unsqueeze(0)
        torch.stack([x, x], -1), torch.stack([x, x + 1], 2)
        torch.stack([x, x], 0)
        torch.cat([x, x], 1)
        torch.cat([x, x], 0)
        torch.cat([x, x * 2, x], 2)
    """,
    "matrices": """
        x @ data(4, 2), torch.matmul(x, data(4, 3)), torch.matmul(x, data(3, 4, 2))
        x.transpose(1, 2) @ x
        torch.bmm(x.transpose(1, 2), x * 2)
        x @ x.transpose(1, 2)
        x.requires_grad_()
        (x @ data(4, 2)).values().square().sum().backward()
        x.grad
        F.rms_norm(x, (4,)), nn.RMSNorm(4)(x)
    """,
    "attention": """
        lengths = (2, 5, 1)
        q = torch.nested.nested_tensor([data(n, 16, seed=n) for n in lengths], layout=torch.jagged)
        kv = torch.nested.nested_tensor([data(n, 32, seed=n + 9) for n in (4, 1, 3)],
                                        layout=torch.jagged)
        k, v = (each.contiguous() for each in kv.chunk(2, -1))
        heads = lambda t: t.unflatten(-1, [2, 8]).transpose(1, 2)
        F.scaled_dot_product_attention(heads(q), heads(k), heads(v))
        q.requires_grad_(), kv.requires_grad_()
        k, v = (each.contiguous() for each in kv.chunk(2, -1))
        y = F.scaled_dot_product_attention(heads(q), heads(k), heads(v)).transpose(1, 2).flatten(-2)
        y
        y.values().square().sum().backward()
        q.grad, kv.grad
        F.scaled_dot_product_attention(heads(q), heads(q), data(3, 2, 5, 8))
    """,
    "copies": """
        copy.deepcopy(x)
        pickle.loads(pickle.dumps(x))
        copy.copy(x)
        copy.deepcopy(x.requires_grad_()).requires_grad
        copy.deepcopy(x * 2)
    """,
    "printing": """
        named = lambda value: re.sub("j[0-9]+", "j", str(value))
        named(x), named(x.sum(-1)), named(x.transpose(1, 2)), named(x.shape), named(x.chunk(2, -1))
        named(x.requires_grad_()), named(x.size(1) * 4)
    """,
}

STRIDED = {
    "sizes": """
        x.size(1)
        x.shape
        x.size()
        x.values()
        x._nested_tensor_size()
        x.stride()
        x.offsets()
        x.lengths()
        torch.nested.nested_tensor([])
        torch.nested.nested_tensor([torch.tensor(1.0), torch.tensor(2.0)])
        torch.nested.nested_tensor([a, b.double()])
        torch.nested.as_nested_tensor(x, layout=torch.jagged)
        x.narrow(0, 1, 2)
        str(x), str(x.long()), str(x.requires_grad_()), str((x * 2).relu())
    """,
    "several ragged dimensions": """
        i = torch.nested.nested_tensor([data(3, 2, 4), data(3, 5, 1), data(3, 1, 1)])
        i.dim(), i.size(1), i.numel(), i.is_contiguous()
        i.size(2)
        i.size(-1)
        i.to_padded_tensor(0.0), i.to_padded_tensor(-1.0, (3, 3, 6, 6))
        i + 1, i * i, F.relu(i), -i, i.transpose(1, 2), i.transpose(-1, 1), i[1], i.unbind()
        i.softmax(-1), i.sum(-1, keepdim=True), i.clone(), i.to(torch.float64), i / 2
        i.unsqueeze(-1), i.values()
        i.requires_grad_()
        (i * i).to_padded_tensor(0.0).sum().backward()
        i.grad
        i.detach() + x.unsqueeze(1)
        i.transpose(0, 1)
    """,
    "products": """
        y = torch.nested.nested_tensor([a.t(), b.t(), c.t()])
        torch.matmul(x, y), x @ x.transpose(1, 2), torch.bmm(x, y)
        x.requires_grad_()
        (x @ x.transpose(1, 2)).to_padded_tensor(0.0).square().sum().backward()
        x.grad
        h = x.detach().view(3, -1, 2, 2).transpose(1, 2)
        torch.matmul(h, h.transpose(-1, -2))
        torch.softmax(torch.matmul(h, h.transpose(-1, -2)), -1)
        torch.matmul(torch.softmax(torch.matmul(h, h.transpose(-1, -2)), -1), h)
    """,
}

MODULES = {
    "multi-head attention": """
        class MultiHeadAttention(nn.Module):
            def __init__(self, width, heads, dropout=0.0):
                super().__init__()
                self.heads, self.dropout = heads, dropout
                self.packed = nn.Linear(width, 3 * width)
                self.out = nn.Linear(width, width)
            def forward(self, query, key, value):
                if query is key and key is value:
                    query, key, value = (x.contiguous()
                                         for x in torch.chunk(self.packed(query), 3, dim=-1))
                else:
                    w, b = self.packed.weight.chunk(3), self.packed.bias.chunk(3)
                    query, key, value = (F.linear(x, w[i], b[i])
                                         for i, x in enumerate((query, key, value)))
                split = lambda x: x.unflatten(-1, [self.heads, -1]).transpose(1, 2)
                found = F.scaled_dot_product_attention(split(query), split(key), split(value),
                                                       dropout_p=self.dropout)
                return self.out(found.transpose(1, 2).flatten(-2))
        m = MultiHeadAttention(16, 2)
        parts = [data(n, 16, seed=n) for n in (3, 7, 1, 4)]
        q = torch.nested.nested_tensor(parts, layout=torch.jagged, requires_grad=True)
        y = m(q, q, q)
        y, y.shape[2]
        y.to_padded_tensor(0.0).square().mean().backward()
        q.grad, [p.grad for p in m.parameters()]
        k = torch.nested.nested_tensor([p[:2] for p in parts], layout=torch.jagged)
        m(q, k, k)
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = MultiHeadAttention(16, 4)
                self.n, self.o = nn.LayerNorm(16), nn.LayerNorm(16)
                self.f = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))
            def forward(self, x):
                h = self.n(x)
                x = x + self.a(h, h, h)
                return x + self.f(self.o(x))
        block = Block()
        optimizer = torch.optim.AdamW(block.parameters(), lr=1e-2)
        for step in range(3):
            optimizer.zero_grad()
            loss = block(k).to_padded_tensor(0.0).square().mean()
            loss.backward()
            optimizer.step()
        loss.item()
        block.eval()(q)
    """,
    "modules without gradients": """
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
        encoder = nn.TransformerEncoder(layer, 2).eval()
        attention = nn.MultiheadAttention(16, 4, batch_first=True).eval()
        y = torch.nested.nested_tensor([data(3, 16), data(6, 16, seed=4), data(1, 16, seed=5)])
        with torch.no_grad():
            found = layer(y), encoder(y), attention(y, y, y, need_weights=False)
            weights = attention(y, y, y), attention(y, y, y, average_attn_weights=False)
        found, weights
    """,
    "padding": """
        m = torch.tensor([[False, False, True], [False, False, False], [False, True, True]])
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, dropout=0.0)
        encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(16)).eval()
        y = data(3, 3, 16)
        with torch.no_grad():
            found = encoder(y, src_key_padding_mask=m)
        found
        encoder(y, src_key_padding_mask=m), encoder.use_nested_tensor
        with torch.no_grad():
            found = encoder(y, src_key_padding_mask=m.flip(1))
        found[:, -1]
        odd = nn.TransformerEncoderLayer(6, 3, batch_first=True)
        nn.TransformerEncoder(odd, 1).use_nested_tensor
        nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2), 1).use_nested_tensor
    """,
    "bag of words": """
        words = [[3, 1, 4, 1], [5], [9, 2, 6]]
        ids = torch.nested.nested_tensor(words, layout=torch.jagged)
        model = nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 8), nn.Tanh())
        head = nn.Linear(8, 3)
        logits = head(model(ids).amax(1))
        loss = F.cross_entropy(logits, torch.tensor([0, 2, 1]))
        loss.backward()
        loss, logits, [p.grad for p in model.parameters()]
    """,
}


def _cases() -> list:
    found = []
    for layouts, cases in ((("strided", "jagged"), BOTH), (("jagged",), JAGGED),
                           (("strided",), STRIDED), (("jagged",), MODULES)):
        for layout in layouts:
            found += [pytest.param((START, program), layout, id=f"{layout}: {name}")
                      for name, program in cases.items()]
    return found


@pytest.mark.parametrize(("program", "layout"), _cases())
def test_same_as_torch(program: tuple[str, str], layout: str) -> None:
    """The same components, gradients and errors."""
    start, rest = (text.replace("LAYOUT", layout) for text in program)
    lines = [line[8:] if line.startswith(" " * 8) else line for line in rest.splitlines()]
    found = differences(start + "\n".join(lines))
    assert not found, "\n".join(found)
