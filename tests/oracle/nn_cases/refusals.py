"""What torch refuses, in its words: wrong kinds of operands, options that do not go together."""

from __future__ import annotations

CASES = {
    "convolutions of what is no tensor": """
        x, w = data(2, 3, 8), data(4, 3, 3)
        F.conv1d(x, None)
        F.conv1d(None, w)
        F.conv1d([1.0], w)
        F.conv2d(x, [1.0])
        F.conv1d(x, w, [1.0])
        F.conv_transpose1d(x, None)
        F.conv_transpose1d(x, data(3, 4, 3), padding="same")
        F.conv2d(data(2, 3, 8, 8), w)
        F.conv1d(x, data(4, 3))
    """,
    "losses of whole numbers": """
        F.nll_loss(torch.tensor([[1, 2], [3, 4]]), torch.tensor([0, 1]))
        F.nll_loss(torch.tensor([[1, 2], [3, 4]]), torch.tensor([0, 1]), reduction="sum")
        F.soft_margin_loss(data(3), data(3, seed=1, grad=True))
        F.glu(torch.tensor([1, 2]))
        F.rrelu(torch.tensor([1, 2]))
        F.rrelu(torch.tensor([1, 2]), training=True)
        F.softshrink(torch.tensor([1, 2]))
        F.hardtanh(torch.tensor([True]))
    """,
    "resampling whole numbers": """
        F.interpolate(torch.ones(1, 1, 2, 2, dtype=torch.long), scale_factor=2)
        F.interpolate(torch.ones(1, 2, 2, dtype=torch.int32), scale_factor=2, mode="nearest-exact")
        F.interpolate(torch.ones(1, 1, 2, 2, 2, dtype=torch.bool), size=3)
        F.interpolate(torch.ones(1, 1, 2, 2, dtype=torch.uint8), scale_factor=2)
    """,
    "norms of two dtypes": """
        x, w, v = data(3, 4), torch.ones(4), torch.ones(4, dtype=torch.float64)
        F.layer_norm(x, (4,), v)
        F.layer_norm(x.double(), (4,), w)
        F.layer_norm(x, (4,), w, w).dtype
        F.layer_norm(x.bfloat16(), (4,), w, w).dtype
        F.layer_norm(x.bfloat16(), (4,), v, w)
        F.group_norm(x, 2, v, v)
        F.group_norm(x.double(), 2, w, w)
        F.batch_norm(x, v, v)
        F.batch_norm(x, v, v, training=True)
        F.batch_norm(x.double(), w, w, w, w)
        F.batch_norm(x.bfloat16(), w, w, w, w).dtype
        F.batch_norm(x[:1], v, v, training=True)
        F.bilinear(x, x, torch.ones(2, 4, 4, dtype=torch.float64))
    """,
    "dropout that never writes": """
        x = data(3, 4)
        y = nn.AlphaDropout(0.5, inplace=True)(x)
        x, y
        z = nn.FeatureAlphaDropout(0.5, inplace=True)(x)
        x, z
        nn.AlphaDropout(0.5, inplace=True)
    """,
    "names of base classes": """
        [c.__name__ for c in nn.ReflectionPad2d.__mro__ if c.__name__.endswith("Nd")]
        [c.__name__ for c in nn.ReplicationPad1d.__mro__ if c.__name__.endswith("Nd")]
        [c.__name__ for c in nn.ConstantPad3d.__mro__ if c.__name__.endswith("Nd")]
        [c.__name__ for c in nn.CircularPad1d.__mro__ if c.__name__.endswith("Nd")]
        isinstance(nn.ReflectionPad2d(1), nn.modules.padding._ReflectionPadNd)
    """,
    "attention, sizes of keys": """
        m = nn.MultiheadAttention(4, 2, kdim=3, vdim=5)
        m(data(3, 2, 4), data(5, 2, 4), data(5, 2, 5))
        m(data(3, 2, 4), data(5, 2, 3), data(5, 2, 4))
        nn.MultiheadAttention(4, 2)(data(3, 2, 4), data(3, 5, 4), data(3, 5, 4))
    """,
}
