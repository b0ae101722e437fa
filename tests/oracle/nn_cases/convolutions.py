"""Programs about linear maps, convolutions, complex inputs, pooling: options and errors."""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

CASES = {
    "convolution": """
        x, w = data(2, 4, 7), data(6, 2, 3, seed=1)
        F.conv1d(x, w, groups=2), F.conv1d(x, w, torch.ones(6), 2, 1, 1, 2)
        F.conv1d(x, w, groups=2, padding="same"), F.conv1d(x, w, groups=2, padding="valid", stride=2)
        F.conv1d(x, w, groups=2, padding="same", stride=2)
        F.conv1d(x, w, groups=2, padding="zip")
        F.conv1d(x, w)
        F.conv1d(x, w, groups=3)
        F.conv1d(x, w, groups=0)
        F.conv1d(x, w, torch.ones(5), groups=2)
        F.conv1d(x, w, groups=2, stride=0)
        F.conv1d(x, w, groups=2, padding=-1)
        F.conv1d(x, w, groups=2, dilation=0)
        F.conv1d(x, w, groups=2, stride=(1, 2))
        F.conv1d(data(7), w, groups=2)
        F.conv1d(x[..., :2], w, groups=2)
        F.conv1d(x[0], w, groups=2).shape
        F.conv1d(x.long(), w.long(), groups=2).shape
        F.conv2d(data(1, 2, 5, 5), data(3, 2, 3, 3), stride=(1, 2), padding=(0, 1), dilation=(2, 1))
        F.conv2d(data(2, 5, 5), data(3, 2, 3, 3)).shape
        F.conv2d(data(2, 5), data(3, 2, 3, 3))
        F.conv2d(data(1, 3, 5, 5), data(3, 2, 3, 3))
        F.conv3d(data(1, 2, 4, 4, 4), data(3, 2, 2, 2, 2), stride=2)
        F.conv2d(data(0, 2, 5, 5), data(3, 2, 3, 3)).shape
        F.conv_transpose1d(x, data(4, 3, 3), stride=2, padding=1, output_padding=1, groups=2, dilation=1)
        F.conv_transpose1d(x, data(4, 3, 3), output_padding=1)
        F.conv_transpose1d(x, data(3, 3, 3))
        F.conv_transpose2d(data(1, 2, 3, 3), data(2, 3, 2, 2), stride=2), F.conv_transpose3d(data(1, 2, 2, 2, 2), data(2, 1, 2, 2, 2))
        F.conv_tbc(data(5, 2, 3), data(2, 3, 4), torch.zeros(4), 1)
        nn.Conv1d(4, 6, 3, groups=3)
        nn.Conv1d(4, 5, 3, groups=2)
        nn.Conv1d(4, 6, 3, groups=0)
        nn.Conv1d(4, 6, 3, padding="zip")
        nn.Conv1d(4, 6, 3, padding="same", stride=2)
        nn.Conv2d(2, 4, (3, 2), (1, 2), (1, 0), 2, 2, False, "circular")
        nn.Conv2d(2, 4, 3, padding="same", padding_mode="reflect")(data(1, 2, 5, 5)).shape
        nn.Conv2d(2, 4, 3)(data(1, 3, 5, 5))
        nn.Conv2d(2, 4, 3)(data(1, 2, 2, 2))
        nn.Conv2d(2, 4, 3)(data(5, 5))
        nn.Conv2d(0, 4, 3)
        nn.Conv2d(2, 4, 3, bias=False, dtype=torch.float64).weight.dtype
        nn.ConvTranspose2d(2, 4, 3, 2, 1, 1, 2, False, 1)
        nn.ConvTranspose2d(2, 4, 3, padding_mode="reflect")
        nn.ConvTranspose2d(2, 4, 3, padding="same")
        c = nn.ConvTranspose2d(2, 4, 3, stride=2); c(data(1, 2, 3, 3), output_size=(8, 8)).shape, c(data(1, 2, 3, 3), [1, 4, 7, 8]).shape
        c(data(1, 2, 3, 3), output_size=(9,))
        F.linear(data(2, 3), data(4, 3), torch.ones(4)), F.linear(data(3), data(3)), F.linear(data(2, 2, 3), data(4, 3)).shape
        F.linear(data(2, 3), data(4, 2))
        F.linear(data(2, 3), data(4, 3), torch.ones(3))
        F.linear(data(2, 3), data(4, 3).double())
        F.linear(data(2, 3), None)
        F.linear(torch.tensor(1.0), data(4, 1))
        F.bilinear(data(2, 3), data(2, 4, seed=1), data(5, 3, 4, seed=2), torch.ones(5))
        F.bilinear(data(2, 3), data(2, 4), data(5, 4, 3))
        F.bilinear(data(2, 3), data(3, 4), data(5, 3, 4))
        nn.Bilinear(3, 4, 5), nn.Bilinear(3, 4, 5, False)
        nn.Bilinear(0, 4, 5)
        nn.Bilinear(3, 4, 5)(data(2, 3), data(2, 5))
        nn.Identity(3, x=4), nn.Identity(3)(torch.ones(1))
    """,
    "gradients of convolutions": """
        g = nn.grad
        w, x = data(4, 2, 3, 3, grad=True), data(2, 4, 6, 5, seed=1, grad=True)
        y = F.conv2d(x, w, None, 2, 1, 1, 2)
        go = data(*y.shape, seed=2)
        a, b = torch.autograd.grad(y, (x, w), go)
        torch.allclose(g.conv2d_input(x.shape, w, go, 2, 1, 1, 2), a, atol=1e-5)
        torch.allclose(g.conv2d_weight(x, w.shape, go, 2, 1, 1, 2), b, atol=1e-5)
        g.conv2d_input(x.shape, w, go, 2, 1, 1, 2)
        g.conv2d_weight(x.detach(), w.shape, go, stride=2, padding=1, groups=2)
        with torch.no_grad():
            log.append(g.conv2d_input(x.shape, w, go, 2, 1, 1, 2).requires_grad)
        log
        g.conv1d_input((1, 2, 6), data(3, 2, 2), data(1, 3, 5)), g.conv1d_weight(data(1, 2, 6), (3, 2, 2), data(1, 3, 5))
        g.conv3d_input((1, 1, 3, 3, 3), data(1, 1, 2, 2, 2), data(1, 1, 2, 2, 2)), g.conv3d_weight(data(1, 1, 3, 3, 3), [1, 1, 2, 2, 2], data(1, 1, 2, 2, 2))
    """,
    "complex": """
        z = torch.complex(data(2, 3), data(2, 3, seed=1))
        l = nn.Linear(3, 2, dtype=torch.complex64)
        l
        l.weight.dtype
        l(z).dtype
        F.linear(z, torch.complex(data(4, 3), data(4, 3, seed=2)), torch.complex(data(4), data(4)))
        c = nn.Conv1d(3, 2, 2, dtype=torch.complex64); c(torch.complex(data(1, 3, 4), data(1, 3, 4, seed=2))).shape
        F.conv2d(torch.complex(data(1, 2, 4, 4), data(1, 2, 4, 4, seed=1)), torch.complex(data(3, 2, 2, 2), data(3, 2, 2, 2, seed=1)), stride=2, padding=1)
        F.conv_transpose1d(torch.complex(data(1, 2, 4), data(1, 2, 4)), torch.complex(data(2, 3, 2), data(2, 3, 2)))
        F.mse_loss(z, z * 2)
        F.l1_loss(z, z * 2)
        F.smooth_l1_loss(z, z)
        F.softmax(z, 0)
        F.tanh(z), F.sigmoid(z), F.silu(z)
        F.gelu(z)
        F.elu(z)
        F.dropout(z, 0.0), F.dropout(z, 1.0)
        F.normalize(z)
        F.layer_norm(z, (3,))
        F.pad(z, (1, 1)), F.embedding(torch.tensor([1]), z), F.one_hot(torch.tensor([1]))
        F.linear(z, data(4, 3))
        nn.Linear(3, 2).to(torch.complex64).weight.dtype
        w = torch.complex(data(2, 3), data(2, 3, seed=4)).requires_grad_(); F.linear(z, w).abs().sum().backward(); w.grad
    """,
    "pooling": """
        x = data(1, 2, 7, grad=True)
        F.max_pool1d(x, 3), F.max_pool1d(x, 3, 2, 1, 1, True), F.max_pool1d(x, 2, return_indices=True)
        F.max_pool1d(x, 3, padding=2)
        F.max_pool1d(x, 0)
        F.max_pool1d(x, 3, stride=0)
        F.max_pool1d(x, 9)
        F.max_pool1d(data(7), 2)
        F.max_pool1d(x, 3, dilation=0)
        F.max_pool2d(data(1, 1, 5, 5), (2, 3), (1, 2), (1, 0), 1, True, True)
        F.max_pool2d(data(1, 1, 5, 5), (2, 3, 4))
        F.max_pool2d(data(5, 5), 2)
        F.max_pool2d(data(1, 5, 5), 2).shape
        F.max_pool2d(data(1, 1, 5, 5), 2, padding=-1)
        F.max_pool3d(data(1, 4, 4, 4), 2, return_indices=True)
        F.max_pool2d_with_indices(data(1, 1, 4, 4), 2), F.max_pool1d_with_indices(x, 2)
        F.avg_pool1d(x, 3, 2, 1, True, False), F.avg_pool1d(x, 2)
        F.avg_pool1d(x, 3, padding=2)
        F.avg_pool2d(data(1, 1, 5, 5), 2, 1, 1, False, False, 3)
        F.avg_pool2d(data(1, 1, 5, 5), 2, divisor_override=0)
        F.avg_pool2d(data(1, 1, 5, 5), 9)
        F.avg_pool3d(data(1, 4, 4, 4), 2, ceil_mode=True)
        F.lp_pool1d(x, 2, 3), F.lp_pool1d(x, 1, 2, 1, True), F.lp_pool2d(data(1, 1, 4, 4), 2, 2), F.lp_pool3d(data(1, 1, 4, 4, 4), 2, 2)
        F.adaptive_avg_pool1d(x, 3), F.adaptive_max_pool1d(x, 3, True), F.adaptive_avg_pool2d(data(1, 1, 5, 5), (2, None)), F.adaptive_max_pool2d(data(1, 1, 5, 5), (None, 2))
        F.adaptive_avg_pool1d(x, (3, 2))
        F.adaptive_avg_pool2d(data(5, 5), 2)
        F.adaptive_avg_pool2d(data(1, 1, 5, 5), (2, 3, 4))
        F.adaptive_max_pool2d(data(5, 5), 2)
        F.adaptive_avg_pool3d(data(1, 4, 4, 4), 2), F.adaptive_max_pool3d(data(1, 4, 4, 4), (1, 2, None), return_indices=True)
        F.adaptive_max_pool1d_with_indices(x, 2)
        o, i = F.max_pool1d(x, 2, return_indices=True)
        F.max_unpool1d(o, i, 2), F.max_unpool1d(o, i, 2, output_size=(7,)), F.max_unpool1d(o, i, 2, output_size=(1, 2, 7))
        F.max_unpool1d(o, i, 2, output_size=(20,))
        F.max_unpool1d(o, i.int(), 2)
        F.max_unpool1d(o, i[..., :1], 2)
        F.max_unpool1d(o, i, 2, output_size=(1, 2))
        o, i = F.max_pool2d(data(1, 1, 4, 4), 2, return_indices=True)
        F.max_unpool2d(o, i, 2), F.max_unpool2d(o, i, 2, output_size=(5, 5))
        F.fractional_max_pool2d(data(1, 1, 6, 6), 2, 3, _random_samples=torch.full((1, 1, 2), 0.5))
        F.fractional_max_pool2d(data(1, 1, 6, 6), 2)
        F.fractional_max_pool2d(data(1, 1, 6, 6), 7, 3, _random_samples=torch.full((1, 1, 2), 0.5))
        F.fractional_max_pool3d(data(1, 6, 6, 6), 2, 3, _random_samples=torch.full((1, 1, 3), 0.5)).shape
        nn.FractionalMaxPool2d(2)
        nn.FractionalMaxPool2d(2, output_size=3, output_ratio=0.5)
        nn.FractionalMaxPool2d(2, output_ratio=1.5)
        nn.FractionalMaxPool2d(2, output_ratio=(0.5, 0.0))
        nn.FractionalMaxPool3d(2, output_ratio=0.5), nn.MaxPool2d((2, 3), 2, 1, ceil_mode=True), nn.MaxPool1d(2), nn.AvgPool2d(2, 1, 1, True, False, 3), nn.AvgPool1d(2), nn.AvgPool3d((1, 2, 3))
        nn.LPPool1d(2, 3), nn.LPPool2d(1.5, (2, 3), ceil_mode=True), nn.AdaptiveAvgPool2d((None, 2)), nn.AdaptiveMaxPool1d(3), nn.MaxUnpool2d(2, 3, 1), nn.MaxUnpool1d(2)
    """,
}
