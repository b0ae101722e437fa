"""Programs about recurrent layers and transformers: options and errors."""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

CASES = {
    "recurrent": """
        x = data(5, 2, 3)
        l = nn.LSTM(3, 4, 2, dropout=0.0, bidirectional=True)
        l
        [(n, tuple(p.shape)) for n, p in l.named_parameters()]
        o, (h, c) = l(x); o.shape, h.shape, c.shape
        l(x, h)
        l(x, (h, c, h))
        l(x, (h,))
        l(x, (h[:1], c))
        l(x, (h, c[:, :1]))
        l(x, (h[0], c[0]))
        l(data(5, 2, 4))
        l(data(3))
        l(data(1, 2, 3, 3))
        l(x[:, 0])[0].shape
        l(x[:, 0], (h, c))
        l(x.double())
        nn.LSTM(3, 4, proj_size=2)(x)[1][0].shape
        nn.LSTM(3, 4, proj_size=4)
        nn.LSTM(3, 4, proj_size=-1)
        nn.LSTM(3, 4, proj_size=2, num_layers=2, bias=False)
        nn.GRU(3, 4, proj_size=2)
        nn.RNN(3, 4, nonlinearity="zip")
        nn.RNN(3, 4, nonlinearity="relu", batch_first=True)
        nn.RNN(3, 4, 2, "relu")
        nn.GRU(3, 4, num_layers=0)
        nn.GRU(3, 0)
        nn.GRU(0, 3)
        nn.GRU(3, 4.0)
        nn.GRU(3, 4, dropout=1.5)
        nn.GRU(3, 4, dropout=True)
        nn.GRU(3, 4, dropout=0.5)
        g = nn.GRU(3, 4, batch_first=True); g(x)[0].shape, g(x, torch.zeros(1, 5, 4))[1].shape
        g(x, torch.zeros(1, 2, 4))
        g(x, torch.zeros(1, 4))
        g(x, (torch.zeros(1, 5, 4),))
        g(x[0], torch.zeros(1, 1, 4))
        g.flatten_parameters(), [len(w) for w in g.all_weights]
        g.weight_hh_l0.shape, g.reset_parameters()
        nn.RNNBase("LSTM", 3, 4), nn.RNNBase("zip", 3, 4)
        nn.RNNBase("RNN_TANH", 3, 4)
        nn.LSTMCell(3, 4), nn.GRUCell(3, 4, bias=False), nn.RNNCell(3, 4, nonlinearity="relu")
        cell = nn.LSTMCell(3, 4); [t.shape for t in cell(data(2, 3))], [t.shape for t in cell(data(3))]
        cell(data(2, 4))
        cell(data(2, 3), (torch.zeros(2, 3), torch.zeros(2, 4)))
        cell(data(2, 3), (torch.zeros(3, 4), torch.zeros(3, 4)))
        cell(data(1, 2, 3))
        cell(data(2, 3), torch.zeros(2, 4))
        nn.GRUCell(3, 4)(data(2, 3), torch.zeros(4))
        nn.GRUCell(3, 4)(data(1, 1, 3))
        nn.GRUCell(3, 4)(data(2, 2))
        nn.GRUCell(3, 4)(data(2, 3), torch.zeros(2, 5))
        nn.RNNCell(3, 4)(data(1, 1, 3))
        nn.RNNCell(3, 4, nonlinearity="zip")(data(2, 3))
        nn.RNNCell(3, 4)(data(2, 3), torch.zeros(1, 2, 4))
        nn.LSTM(3, 4, 2, dropout=0.5)
    """,
    "transformer": """
        layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0)
        layer
        x = data(3, 2, 4)
        layer(x), layer.eval()(x)
        layer(x, src_mask=torch.zeros(3, 3)), layer(x, is_causal=True, src_mask=nn.Transformer.generate_square_subsequent_mask(3))
        layer(x, src_key_padding_mask=torch.tensor([[False, True, True], [False, False, True]]))
        layer(x, is_causal=True)
        layer(data(3, 2, 5))
        layer(x, src_mask=torch.zeros(2, 2))
        layer(x, src_key_padding_mask=torch.zeros(3, 3))
        nn.TransformerEncoderLayer(4, 3)
        nn.TransformerEncoderLayer(4, 2, activation="zip")
        nn.TransformerEncoderLayer(4, 2, activation="gelu").activation
        nn.TransformerEncoderLayer(4, 2, activation=nn.GELU(), norm_first=True, bias=False, batch_first=True, layer_norm_eps=0.1)
        e = nn.TransformerEncoder(layer, 2, nn.LayerNorm(4))
        e
        e(x), e(x, mask=torch.zeros(3, 3), is_causal=False)
        nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        d = nn.TransformerDecoderLayer(4, 2, 8, 0.0)
        d
        d(x, data(5, 2, 4)), d(x, data(5, 2, 4), torch.zeros(3, 3), torch.zeros(3, 5))
        d(x, data(5, 2, 3))
        nn.TransformerDecoder(d, 2)(x, data(5, 2, 4)).shape, nn.TransformerDecoder(d, 1, nn.LayerNorm(4))
        t = nn.Transformer(4, 2, 1, 1, 8, 0.0)
        t(x, data(5, 2, 4)).shape, t(x, data(5, 2, 4), tgt_is_causal=True, tgt_mask=t.generate_square_subsequent_mask(5)).shape
        t(x, data(5, 3, 4))
        t(data(3, 2, 5), x)
        t(x, data(5, 2, 3))
        nn.Transformer(5, 2)
        nn.Transformer.generate_square_subsequent_mask(3), t.generate_square_subsequent_mask(2, dtype=torch.float64)
        nn.Transformer(4, 2, 1, 1, 8, 0.0, custom_encoder=nn.Identity()).encoder
        list(nn.Transformer(4, 2, 1, 1, 8).state_dict())
    """,
}
