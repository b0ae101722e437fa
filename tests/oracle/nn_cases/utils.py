"""Programs about nn.utils, lazy modules, nn.init, nn.attention."""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

CASES = {
    "lazy": """
        l = nn.LazyLinear(3)
        l
        l.weight
        l.weight.shape
        l.bias.shape
        list(l.state_dict())
        l.has_uninitialized_params()
        type(l).__name__
        l.double()
        copy.deepcopy(l)
        pickle.loads(pickle.dumps(l))
        list(l.parameters())
        nn.init.zeros_(l.weight)
        l.weight + 1
        len(l.weight)
        l.weight.materialize((3, 2))
        l.weight.dtype, type(l.weight).__name__
        k = nn.LazyLinear(3)
        k(torch.ones(1, 5)).shape
        k
        type(k).__name__
        k.weight.requires_grad
        k(torch.ones(1, 6))
        a = nn.LazyLinear(3)
        a.load_state_dict(k.state_dict())
        a.weight.shape
        a.in_features
        b = nn.LazyConv2d(2, 3)
        b(torch.ones(1, 1, 2))
        b(torch.ones(2, 5, 5)).shape
        nn.LazyConv2d(2)
        nn.LazyConv2d(2, 3)(torch.ones(3))
        nn.LazyBatchNorm1d()
        nn.LazyBatchNorm1d()(torch.ones(2, 3)).shape
        s = nn.Sequential(nn.LazyLinear(2), nn.LazyLinear(1))
        s(torch.ones(3, 4)).shape
        s
        torch.optim.SGD(nn.LazyLinear(2).parameters(), lr=0.1)
        nn.UninitializedParameter()
        nn.UninitializedParameter(requires_grad=False).requires_grad
        nn.UninitializedBuffer()
        u = nn.UninitializedParameter(dtype=torch.float64, device="cpu")
        u.dtype, u.device
        u.materialize((2,), dtype=torch.float32)
        u.dtype
        u.materialize((2,))
        nn.LazyLinear(3).share_memory()
        nn.LazyLinear(3).half().weight.dtype
        nn.LazyLinear(3, device="meta").weight.device
        class Mine(nn.modules.lazy.LazyModuleMixin, nn.Linear):
            pass
        Mine(2, 3)
        class NoInit(nn.modules.lazy.LazyModuleMixin, nn.Module):
            cls_to_become = None
            def __init__(self):
                super().__init__()
                self.w = nn.UninitializedParameter()
        n = NoInit()
        n(3)
        nn.parameter.is_lazy(n.w), nn.parameter.is_lazy(torch.ones(1))
    """,
    "clip": """
        def params(inf=False):
            p = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(1))]
            p[0].grad = torch.tensor([3.0, 4.0]); p[1].grad = torch.full((2, 2), 2.0)
            if inf: p[0].grad[0] = float("inf")
            return p
        c = nn.utils
        p = params(); c.clip_grad_norm_(p, 1.0)
        [x.grad for x in p]
        p = params(); c.clip_grad_norm_(p, 100.0), p[0].grad
        p = params(); c.clip_grad_norm_(p, 1.0, 1), p[0].grad
        p = params(); c.clip_grad_norm_(p, 1.0, norm_type=float("inf")), p[0].grad
        p = params(); c.clip_grad_norm_(p, 1.0, "inf"), p[0].grad
        p = params(); c.clip_grad_norm_(p, 1.0, 0), p[0].grad
        p = params(); c.clip_grad_norm_(p, 1.0, -1), p[0].grad
        p = params(); c.clip_grad_norm_(p[0], 1.0), p[0].grad
        p = params(); c.clip_grad_norm_(iter(p), 1.0, foreach=True), p[0].grad
        p = params(); c.clip_grad_norm_(p, 1.0, foreach=False), p[0].grad
        p = params(True); c.clip_grad_norm_(p, 1.0), p[0].grad
        p = params(True); c.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
        c.clip_grad_norm_([], 1.0)
        c.clip_grad_norm_([nn.Parameter(torch.ones(1))], 1.0)
        c.clip_grad_norm_(3, 1.0)
        c.clip_grad_norm_(params(), "a")
        p = params(); c.clip_grad_norm_(p, torch.tensor(1.0)), p[0].grad
        p = params(); c.clip_grad_norm_(p, 0), p[0].grad
        p = params(); c.clip_grad_norm_(p, -1.0), p[0].grad
        p = params(); c.clip_grad_value_(p, 2.5), [x.grad for x in p]
        p = params(); c.clip_grad_value_(p[0], 2.5, foreach=True), p[0].grad
        p = params(); c.clip_grad_value_(p, 1, foreach=False), p[0].grad
        p = params(); c.clip_grad_value_(p, -1.0), p[0].grad
        c.get_total_norm([x.grad for x in params()[:2]])
        c.get_total_norm([x.grad for x in params()[:2]], 1.0, True, True)
        c.get_total_norm([x.grad for x in params(True)[:2]], error_if_nonfinite=True)
        c.get_total_norm([])
        c.get_total_norm(torch.tensor([3.0, 4.0]))
        c.get_total_norm([torch.ones(2), torch.ones(2, dtype=torch.float64)], float("inf"))
        p = params(); c.clip_grads_with_norm_(p, 1.0, torch.tensor(10.0)), p[0].grad
        p = params(); c.clip_grads_with_norm_(p[0], 1.0, torch.tensor(10.0), foreach=False), p[0].grad
        p = params(); c.clip_grad.clip_grad_norm(p, 1.0), p[0].grad
        v = c.parameters_to_vector(params())
        v
        p = params(); c.vector_to_parameters(torch.arange(7.0), p), p
        c.vector_to_parameters([1], p)
        c.vector_to_parameters(torch.arange(6.0), p)
        c.parameters_to_vector([])
        c.parameters_to_vector(nn.Linear(2, 1).parameters()).shape
    """,
    "rnn utils": """
        r = nn.utils.rnn
        a = [torch.arange(3.), torch.arange(2.), torch.arange(1.)]
        r.pad_sequence(a)
        r.pad_sequence(a, True)
        r.pad_sequence(a, batch_first=True, padding_value=-1.0)
        r.pad_sequence(a, True, -1.0, "left")
        r.pad_sequence(a, True, padding_side="middle")
        r.pad_sequence([])
        r.pad_sequence(torch.ones(2, 3))
        r.pad_sequence(3)
        r.pad_sequence([torch.ones(2, 3), torch.ones(4, 3)]).shape
        r.pad_sequence([torch.ones(2, 3), torch.ones(4, 2)])
        r.pad_sequence(iter(a))
        r.unpad_sequence(r.pad_sequence(a), torch.tensor([3, 2, 1]))
        r.unpad_sequence(r.pad_sequence(a, True), torch.tensor([3, 2, 1]), True)
        p = r.pack_sequence(a)
        p
        p.data, p.batch_sizes, p.sorted_indices, p.unsorted_indices
        r.pack_sequence(a[::-1])
        q = r.pack_sequence(a[::-1], enforce_sorted=False)
        q
        r.unpack_sequence(q)
        r.unpack_sequence(3)
        r.pad_packed_sequence(q)
        r.pad_packed_sequence(q, batch_first=True, padding_value=9.0)
        r.pad_packed_sequence(q, total_length=5)
        r.pad_packed_sequence(q, total_length=2)
        r.pack_padded_sequence(torch.ones(3, 2), [3, 1])
        r.pack_padded_sequence(torch.ones(2, 3), torch.tensor([3, 1]), True)
        r.pack_padded_sequence(torch.ones(2, 3), [1, 3], True)
        r.pack_padded_sequence(torch.ones(2, 3), [1, 3], batch_first=True, enforce_sorted=False)
        r.pack_padded_sequence(torch.ones(2, 3), [3, 0], True)
        r.pack_padded_sequence(torch.ones(2, 3), [3], True)
        r.pack_padded_sequence(torch.ones(2, 3), torch.tensor([3., 1.]), True)
        r.pack_padded_sequence(torch.ones(0, 3), [], True)
        r.pack_padded_sequence(torch.ones(3), [3])
        p.to(torch.float64).data.dtype, p.double().data.dtype, p.half().data.dtype, p.int().data.dtype
        p.cpu() is p, p.is_cuda, p.is_pinned()
        p.to("cpu") is p
        p.long().data
        p.byte().data.dtype, p.char().data.dtype, p.short().data.dtype, p.bool().data.dtype
        p.bfloat16().data.dtype, p.cdouble().data.dtype
        len(p), p[0], p._fields
        r.PackedSequence(torch.ones(3), torch.tensor([2, 1]))
        r.PackedSequence(torch.ones(3))
        r.invert_permutation(torch.tensor([2, 0, 1]))
        r.invert_permutation(None)
        isinstance(p, tuple)
        r.PackedSequence(torch.ones(3), torch.tensor([2, 1]), torch.tensor([1, 0]))
        r.pack_sequence([torch.ones(2), torch.ones(2)]) == 3
        g = nn.GRU(1, 2); g(r.pack_sequence([torch.ones(3, 1), torch.ones(1, 1)]))[0].batch_sizes
        g(r.pack_sequence([torch.ones(3, 2)]))
        g(r.pack_sequence([torch.ones(3, 1)]), torch.ones(1, 2, 2))
        r.pad_packed_sequence(3)
        r.pack_sequence([])
    """,
    "stateless": """
        f = torch.func.functional_call
        l = nn.Linear(2, 1)
        p = {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}
        f(l, p, torch.ones(1, 2))
        f(l, p, (torch.ones(1, 2),))
        f(l, p, (), {"input": torch.ones(1, 2)})
        f(l, p, kwargs={"input": torch.ones(1, 2)})
        f(l, {"weight": torch.ones(1, 2)}, torch.ones(1, 2)).shape
        f(l, {"weight": torch.ones(1, 2)}, torch.ones(1, 2), strict=True)
        f(l, {**p, "zip": torch.ones(1)}, torch.ones(1, 2))
        f(l, {**p, "zip": torch.ones(1)}, torch.ones(1, 2), strict=True)
        f(l, {**p, "a.b": torch.ones(1)}, torch.ones(1, 2))
        f(l, [{"weight": torch.ones(1, 2)}, {"bias": torch.zeros(1)}], torch.ones(1, 2))
        f(l, ({"weight": torch.ones(1, 2)}, {"weight": torch.zeros(1, 2)}), torch.ones(1, 2))
        f(l, 3, torch.ones(1, 2))
        f(3, p, torch.ones(1, 2))
        f(l, p, torch.ones(1, 2), 5)
        l.weight is l._parameters["weight"]
        s = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        s.tied = s[0]
        t = {"0.weight": torch.ones(2, 2), "0.bias": torch.zeros(2)}
        class Tied(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = nn.Parameter(torch.ones(1)); self.b = self.a
                self.register_buffer("c", torch.zeros(1))
            def forward(self, x):
                self.c += 1
                return self.a + 10 * self.b + x
        m = Tied()
        f(m, {"a": torch.zeros(1)}, torch.zeros(1))
        f(m, {"b": torch.zeros(1)}, torch.zeros(1))
        f(m, {"a": torch.zeros(1)}, torch.zeros(1), tie_weights=False)
        f(m, {"a": torch.zeros(1), "b": torch.ones(1)}, torch.zeros(1))
        f(m, {"a": torch.zeros(1), "b": torch.ones(1)}, torch.zeros(1), tie_weights=False)
        m.c
        c = torch.zeros(1)
        f(m, {"c": c}, torch.zeros(1))
        c, m.c
        f(m, {"c": c}, torch.zeros(1), strict=True)
        w = torch.ones(1, 2, requires_grad=True)
        f(l, {"weight": w}, torch.ones(1, 2)).sum().backward()
        w.grad
        nn.utils.stateless.functional_call(l, p, torch.ones(1, 2))
        params, buffers = torch.func.stack_module_state([nn.Linear(2, 1), nn.Linear(2, 1)])
        {k: tuple(v.shape) for k, v in params.items()}, buffers
        torch.func.stack_module_state([])
        torch.func.stack_module_state([nn.Linear(2, 1), nn.ReLU()])
        torch.func.stack_module_state([nn.Linear(2, 1), nn.Linear(2, 1).eval()])
        class Fail(nn.Module):
            def __init__(self):
                super().__init__(); self.w = nn.Parameter(torch.ones(1))
            def forward(self):
                raise ValueError("x")
        k = Fail()
        f(k, {"w": torch.zeros(1)}, ())
        k.w
    """,
    "fusion": """
        u = nn.utils.fusion
        c, b = nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3)
        b.running_mean.fill_(0.5); b.running_var.fill_(2.0)
        nn.utils.fuse_conv_bn_eval(c, b)
        c.eval(), b.eval()
        x = data(1, 2, 4, 4)
        torch.allclose(nn.utils.fuse_conv_bn_eval(c, b)(x), b(c(x)), atol=1e-5)
        nn.utils.fuse_conv_bn_eval(c, b)
        t = nn.ConvTranspose2d(2, 3, 2).eval()
        torch.allclose(nn.utils.fuse_conv_bn_eval(t, b, True)(x), b(t(x)), atol=1e-5)
        l, b1 = nn.Linear(2, 3).eval(), nn.BatchNorm1d(3).eval()
        b1.running_mean.fill_(0.5)
        torch.allclose(nn.utils.fuse_linear_bn_eval(l, b1)(data(4, 2)), b1(l(data(4, 2))), atol=1e-5)
        nn.utils.fuse_linear_bn_eval(l, nn.BatchNorm1d(4).eval())
        nn.utils.fuse_linear_bn_eval(l, nn.BatchNorm1d(3))
        nn.utils.fuse_linear_bn_eval(nn.Linear(2, 1).eval(), b1)
        nn.utils.fuse_conv_bn_eval(c, nn.BatchNorm2d(3, track_running_stats=False).eval())
        nn.utils.fuse_conv_bn_weights(c.weight, None, b.running_mean, b.running_var, b.eps, None, None)
        nn.utils.fuse_linear_bn_weights(l.weight, None, b1.running_mean, b1.running_var, b1.eps, b1.weight, b1.bias)
        nn.utils.skip_init(nn.Linear, 2, 3).weight.shape
        nn.utils.skip_init(nn.Linear, 2, 3, dtype=torch.float64).weight.dtype
        nn.utils.skip_init(3)
        nn.utils.skip_init(nn.ReLU)
        nn.utils.convert_conv2d_weight_memory_format(nn.Conv2d(2, 3, 2), torch.channels_last).weight.stride()
        nn.utils.convert_conv3d_weight_memory_format(nn.Conv3d(2, 3, 2), torch.channels_last_3d).weight.stride()
    """,
    "init": """
        i = nn.init
        _ = torch.manual_seed(0)
        w = torch.empty(3, 4)
        i.uniform_(w)
        i.uniform_(w, -1, 2)
        i.normal_(w)
        i.normal_(w, 1.0, 0.1)
        i.trunc_normal_(w)
        i.trunc_normal_(w, 0.0, 2.0, -1.0, 1.5)
        i.trunc_normal_(w, 10.0, 0.1)
        i.constant_(w, 2.5)
        i.ones_(w), i.zeros_(w)
        i.eye_(w)
        i.eye_(torch.empty(3))
        i.dirac_(torch.empty(2, 3, 3))
        i.dirac_(torch.empty(4, 2, 3, 3), groups=2)
        i.dirac_(torch.empty(4, 2, 3, 3, 3))
        i.dirac_(torch.empty(3, 2, 3), 2)
        i.dirac_(torch.empty(2, 2))
        i.xavier_uniform_(w)
        i.xavier_uniform_(w, gain=i.calculate_gain("relu"))
        i.xavier_normal_(w, 2.0)
        i.xavier_normal_(torch.empty(3))
        i.kaiming_uniform_(w)
        i.kaiming_uniform_(w, a=0.2, mode="fan_out", nonlinearity="leaky_relu")
        i.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")
        i.kaiming_normal_(w, mode="zip")
        i.kaiming_normal_(w, nonlinearity="zip")
        i.kaiming_uniform_(torch.empty(2, 3, 2, 2), nonlinearity="tanh")
        i.kaiming_uniform_(torch.empty(3))
        i.kaiming_uniform_(torch.empty(0, 3))
        i.kaiming_uniform_(torch.empty(3, 0))
        i.orthogonal_(w)
        i.orthogonal_(torch.empty(5, 2, 2), gain=2)
        i.orthogonal_(torch.empty(3))
        i.orthogonal_(torch.empty(0, 3)).shape
        i.sparse_(w, 0.5)
        i.sparse_(torch.empty(4, 4), sparsity=0.25, std=1.0)
        i.sparse_(torch.empty(3), 0.1)
        [i.calculate_gain(n) for n in ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu")]
        i.calculate_gain("leaky_relu", 0.5)
        i.calculate_gain("leaky_relu", "x")
        i.calculate_gain("leaky_relu", True)
        i.calculate_gain("zip")
        i.uniform(w), i.normal(w), i.constant(w, 1), i.xavier_uniform(w)
        i.kaiming_normal(w)
        i.uniform_(w, 2, 1)
        i.normal_(w, 0, -1)
        i.normal_(3)
        i.uniform_(nn.Parameter(torch.empty(2))).requires_grad
        i.constant_(w, "a")
        i.zeros_(torch.empty(2, dtype=torch.int64))
        i.uniform_(torch.empty(2, dtype=torch.int64))
        i._calculate_fan_in_and_fan_out(torch.empty(2, 3, 4))
        i._calculate_fan_in_and_fan_out(torch.empty(2))
        i._calculate_correct_fan(torch.empty(2, 3), "FAN_IN")
        g = torch.Generator().manual_seed(5)
        i.uniform_(w, generator=g), i.normal_(w, generator=g), i.trunc_normal_(w, generator=g), i.xavier_uniform_(w, generator=g)
        i.kaiming_normal_(w, generator=g), i.orthogonal_(w, generator=g), i.sparse_(w, 0.3, generator=g)
        i.normal_(torch.empty(3, dtype=torch.float64)), i.uniform_(torch.empty(3, dtype=torch.bfloat16))
        i.xavier_uniform_(torch.empty(2, 2, dtype=torch.float64))
        i.trunc_normal_(torch.empty(40, dtype=torch.float64), a=-0.5, b=0.5)
    """,
    "data parallel": """
        d = nn.DataParallel(nn.Linear(2, 1))
        d
        d(torch.ones(1, 2)).shape
        list(d.state_dict())
        d.module
        d.device_ids
        nn.DataParallel(nn.ReLU(), dim=1)(torch.ones(1))
        nn.parallel.DataParallel is nn.DataParallel
        nn.DataParallel(3)
        d(input=torch.ones(1, 2)).shape
    """,
    "attention namespace": """
        at = nn.attention
        [b.name for b in (at.SDPBackend.MATH, at.SDPBackend.FLASH_ATTENTION, at.SDPBackend.EFFICIENT_ATTENTION, at.SDPBackend.CUDNN_ATTENTION, at.SDPBackend.ERROR, at.SDPBackend.OVERRIDEABLE)]
        q = data(1, 2, 3, 4)
        with at.sdpa_kernel(at.SDPBackend.MATH):
            log.append(F.scaled_dot_product_attention(q, q, q))
        log
        with at.sdpa_kernel([at.SDPBackend.MATH, at.SDPBackend.FLASH_ATTENTION], set_priority=True):
            log.append(F.scaled_dot_product_attention(q, q, q, is_causal=True))
        log
        at.sdpa_kernel(3).__enter__()
        at.sdpa_kernel([at.SDPBackend.MATH], 3)
        @at.sdpa_kernel(at.SDPBackend.MATH)
        def f():
            return 3
        f()
        b = nn.attention.bias
        b.causal_lower_right(2, 3)._materialize()
        b.causal_upper_left(2, 3)._materialize()
        isinstance(b.causal_upper_left(2, 3), torch.Tensor)
        type(b.causal_lower_right(2, 3)).__name__
        b.causal_lower_right(2, 3).variant.name, b.causal_upper_left(2, 3).variant.name
        b.causal_upper_left(2)
        b.causal_lower_right(2, 3, 4)
        c = b.CausalBias(b.CausalVariant.LOWER_RIGHT, 3, 4)
        c.seq_len_q, c.seq_len_kv
        b.CausalBias(3, 3, 4)
        k = data(1, 2, 5, 4, seed=2)
        F.scaled_dot_product_attention(q, k, k, attn_mask=b.causal_upper_left(3, 5))
        F.scaled_dot_product_attention(q, k, k, attn_mask=b.causal_lower_right(3, 5))
        F.scaled_dot_product_attention(q, q, q, attn_mask=b.causal_lower_right(3, 3))
        F.scaled_dot_product_attention(q, k, k, b.causal_lower_right(3, 5), 0.0, True)
        F.scaled_dot_product_attention(q, k, k, b.causal_lower_right(3, 5), scale=0.5)
    """,
}
