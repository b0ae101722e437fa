"""Programs about hooks of modules: forward, backward, global, states."""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

CASES = {
    "forward hooks": """
        m = nn.Linear(2, 2)
        h1 = m.register_forward_hook(lambda *a: log.append(("h1", len(a))))
        h2 = m.register_forward_hook(lambda *a: log.append(("h2", len(a))), prepend=True)
        h3 = m.register_forward_hook(lambda *a: log.append(("h3", len(a))), with_kwargs=True)
        h4 = m.register_forward_pre_hook(lambda *a: log.append(("p4", len(a))))
        h5 = m.register_forward_pre_hook(lambda *a: log.append(("p5", len(a))), prepend=True, with_kwargs=True)
        m(torch.ones(1, 2)).shape
        log
        log.clear()
        m(input=torch.ones(1, 2)).shape
        log
        h1.remove()
        h1.remove()
        h5.remove()
        log.clear()
        m(torch.ones(1, 2)).shape
        log
        len(m._forward_hooks), len(m._forward_hooks_with_kwargs), len(m._forward_pre_hooks)
        h6 = m.register_forward_hook(lambda m, a, o: o * 0 + 5)
        m(torch.ones(1, 2))
        h7 = m.register_forward_pre_hook(lambda m, a: (a[0] * 0,))
        h6.remove()
        torch.equal(m(torch.ones(1, 2))[0], m.bias)
        h7.remove()
        h8 = m.register_forward_pre_hook(lambda m, a: a[0] * 0)
        torch.equal(m(torch.ones(1, 2))[0], m.bias)
        h8.remove()
        h9 = m.register_forward_pre_hook(lambda m, a, k: a, with_kwargs=True)
        m(torch.ones(1, 2))
        h9.remove()
        h9 = m.register_forward_pre_hook(lambda m, a, k: (a, {"input": torch.zeros(1, 2)}), with_kwargs=True)
        torch.equal(m(input=torch.ones(1, 2))[0], m.bias)
        m(torch.ones(1, 2))
        h9.remove()
        def bad(m, a, o):
            raise ValueError("in hook")
        with m.register_forward_hook(bad):
            m(torch.ones(1, 2))
        len(m._forward_hooks)
        m.register_forward_hook(3)
        m(torch.ones(1, 2))
        h3.id - h2.id
        h3.hooks_dict_ref() is m._forward_hooks
        m.register_forward_hook()
        m.register_forward_hook(bad, True)
        m.register_forward_hook(bad, foo=True)
    """,
    "always call": """
        class Bad(nn.Module):
            def forward(self, x):
                raise RuntimeError("inside")
        m = Bad()
        h = m.register_forward_hook(lambda *a: log.append(("a", a[-1])), always_call=True)
        h2 = m.register_forward_hook(lambda *a: log.append(("n", a[-1])))
        h3 = m.register_forward_hook(lambda *a: log.append(("k", len(a), a[-1])), always_call=True, with_kwargs=True)
        m(3)
        log
        len(m._forward_hooks_always_called)
        h.remove()
        len(m._forward_hooks_always_called)
        g = nn.modules.module.register_module_forward_hook(lambda *a: log.append("g"), always_call=True)
        m(3)
        log
        g.remove()
        g = nn.modules.module.register_module_forward_hook(lambda *a: log.append(("gk", len(a))), with_kwargs=True)
        nn.ReLU()(torch.ones(1))
        log
        g.remove()
        i = nn.Identity()
        def raising(m, a, o):
            log.append("raising")
            raise ValueError("hook")
        k1 = i.register_forward_hook(raising)
        k2 = i.register_forward_hook(lambda *a: log.append("always"), always_call=True)
        log.clear()
        i(3)
        log
        k3 = i.register_forward_hook(raising, always_call=True, prepend=True)
        log.clear()
        i(3)
        log
    """,
    "full backward hooks": """
        m = nn.Linear(2, 2)
        with torch.no_grad():
            m.weight.copy_(torch.tensor([[1., 2.], [3., 4.]]))
            m.bias.zero_()
        h = m.register_full_backward_hook(lambda m, gi, go: log.append(("full", gi, go)))
        p = m.register_full_backward_pre_hook(lambda m, go: log.append(("pre", go)))
        x = torch.ones(1, 2, requires_grad=True)
        y = m(x)
        y.grad_fn.name()
        y.sum().backward()
        log
        x.grad
        log.clear()
        m(torch.ones(1, 2)).sum().backward()
        log
        p.remove()
        p = m.register_full_backward_pre_hook(lambda m, go: (go[0] * 10,))
        q = m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
        x.grad = None
        m(x).sum().backward()
        x.grad
        q.remove()
        q = m.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
        m(x).sum().backward()
        q.remove()
        p.remove()
        p = m.register_full_backward_pre_hook(lambda m, go: (go[0], 1))
        m(x).sum().backward()
        p.remove()
        m.register_backward_hook(lambda m, gi, go: None)
        m.register_full_backward_hook(lambda *a: log.append("second"))
        m.register_full_backward_hook(lambda *a: log.append("first"), prepend=True)
        m.register_full_backward_pre_hook(lambda *a: log.append("prefirst"), prepend=True)
        log.clear()
        m(x).sum().backward()
        [e if isinstance(e, str) else e[0] for e in log]
    """,
    "backward hooks of several values": """
        class Two(nn.Module):
            def forward(self, a, b, c=None):
                return a * 2, b * 3, 7
        m = Two()
        m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
        a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
        out = m(a, b, c=a)
        out
        (out[0] + out[1]).sum().backward()
        log
        log.clear()
        m(a, b)[0].sum().backward()
        log
        log.clear()
        m(a, torch.ones(1))[0].sum().backward()
        log
        class Dict(nn.Module):
            def forward(self, a):
                return {"x": a * 2}
        d = Dict()
        d.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
        log.clear()
        d(a)["x"].sum().backward()
        log
        class Same(nn.Module):
            def forward(self, a):
                return a
        s = Same()
        s.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
        log.clear()
        s(a).sum().backward()
        log
    """,
    "old backward hooks": """
        m = nn.ReLU()
        m.register_backward_hook(lambda m, gi, go: log.append((gi, go)))
        x = torch.ones(2, requires_grad=True)
        m(x).sum().backward()
        log
        m._is_full_backward_hook
        m.register_full_backward_hook(lambda *a: None)
        k = nn.ReLU()
        k.register_full_backward_hook(lambda *a: None)
        k.register_backward_hook(lambda *a: None)
        k._is_full_backward_hook
        with torch.no_grad():
            k(x)
        k.eval()(torch.ones(2))
    """,
    "global hooks": """
        g = nn.modules.module
        h = [g.register_module_forward_hook(lambda *a: log.append("gf")),
             g.register_module_forward_pre_hook(lambda *a: log.append("gp")),
             g.register_module_full_backward_hook(lambda *a: log.append("gb")),
             g.register_module_full_backward_pre_hook(lambda *a: log.append("gbp"))]
        m = nn.Linear(2, 2)
        m.register_forward_hook(lambda *a: log.append("f"))
        m.register_forward_pre_hook(lambda *a: log.append("p"))
        m.register_full_backward_hook(lambda *a: log.append("b"))
        m.register_full_backward_pre_hook(lambda *a: log.append("bp"))
        x = torch.ones(1, 2, requires_grad=True)
        m(x).sum().backward()
        log
        for each in h: each.remove()
        log.clear()
        m(x).sum().backward()
        log
        log.clear()
        h = g.register_module_parameter_registration_hook(lambda m, n, p: log.append(("param", n, tuple(p.shape))))
        h2 = g.register_module_buffer_registration_hook(lambda m, n, b: log.append(("buffer", n)))
        h3 = g.register_module_module_registration_hook(lambda m, n, s: log.append(("module", n, type(s).__name__)))
        nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(2))
        log
        h.remove(), h2.remove(), h3.remove()
        h = g.register_module_parameter_registration_hook(lambda m, n, p: nn.Parameter(torch.full((2,), 7.0)) if n == "bias" else None)
        nn.Linear(1, 2).bias
        h.remove()
        h = g.register_module_module_registration_hook(lambda m, n, s: nn.Identity())
        nn.Sequential(nn.ReLU())
        h.remove()
        h = g.register_module_backward_hook(lambda *a: log.append("gb"))
        h.remove()
        full = g.register_module_full_backward_hook(lambda *a: None)
        Pair = collections.namedtuple("Pair", "a b")
        class Two(nn.Module):
            def forward(self, x):
                return Pair(x * 2, 3)
        Two()(torch.ones(1, requires_grad=True))
        full.remove()
    """,
    "state hooks": """
        net = nn.Sequential(nn.Linear(1, 1))
        net.register_state_dict_pre_hook(lambda m, p, k: log.append(("pre", p, k)))
        net[0].register_state_dict_pre_hook(lambda m, p, k: log.append(("pre0", p, k)))
        h = net.register_state_dict_post_hook(lambda m, s, p, meta: log.append(("post", list(s), p, dict(meta))))
        net[0].register_state_dict_post_hook(lambda m, s, p, meta: log.append(("post0", list(s), p)))
        list(net.state_dict())
        log
        h2 = net.register_state_dict_post_hook(lambda m, s, p, meta: 3)
        net.state_dict()
        h2.remove()
        def rename(m, s, p, meta):
            return OrderedDict((k + "!", v) for k, v in s.items())
        h3 = net._register_state_dict_hook(rename)
        list(net.state_dict())
        net.register_state_dict_post_hook(rename)
        net._register_state_dict_hook(rename)
        log.clear()
        n = nn.Sequential(nn.Linear(1, 1))
        n.register_load_state_dict_pre_hook(lambda m, *a: log.append(("lpre", type(m).__name__, len(a), a[1], a[3])))
        n._register_load_state_dict_pre_hook(lambda *a: log.append(("_lpre", len(a))))
        n[0].register_load_state_dict_post_hook(lambda m, k: log.append(("lpost", k.missing_keys, k.unexpected_keys)))
        n.register_load_state_dict_post_hook(lambda m, k: k.missing_keys.clear())
        n.load_state_dict({"0.weight": torch.ones(1, 1)})
        log
        n.register_load_state_dict_post_hook(lambda m, k: 3)
        n.load_state_dict({"0.weight": torch.ones(1, 1)})
        class Old(nn.Module):
            _version = 3
            def __init__(self):
                super().__init__()
                self.w = nn.Parameter(torch.zeros(2))
            def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
                log.append((prefix, dict(local_metadata), strict))
                if prefix + "old" in state_dict:
                    state_dict[prefix + "w"] = state_dict.pop(prefix + "old")
                super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
            def _save_to_state_dict(self, destination, prefix, keep_vars):
                super()._save_to_state_dict(destination, prefix, keep_vars)
                destination[prefix + "saved"] = 1
        o = nn.Sequential(Old())
        log.clear()
        o.state_dict()
        o.state_dict()._metadata
        d = {"0.old": torch.ones(2)}
        o.load_state_dict(d)
        o[0].w
        list(d)
        log
        s = o.state_dict(); del s["0.saved"]
        o.load_state_dict(s)
        log
    """,
}
