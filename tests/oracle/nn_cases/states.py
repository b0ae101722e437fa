"""Programs about a module's state, conversion and copies."""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

CASES = {
    "state_dict": """
        net = nn.Sequential(OrderedDict([("a", nn.Linear(2, 2)), ("b", nn.BatchNorm1d(2))]))
        list(net.state_dict())
        list(net.state_dict(prefix="x."))
        net.state_dict("only")
        d = OrderedDict()
        net.state_dict(d, "pre.", True) is d
        list(d)
        d["pre.a.weight"].requires_grad
        d2 = {}
        net.state_dict(destination=d2, prefix="q.")
        type(net.state_dict()).__name__
        net.state_dict()._metadata
        net.state_dict(keep_vars=True)["a.weight"] is net.a.weight
        net.state_dict()["a.weight"].requires_grad
        net.state_dict()["a.weight"].data_ptr() == net.a.weight.data_ptr()
        net.state_dict(unknown=3)
        net.state_dict({}, "", False, 4)
        class Extra(nn.Module):
            def get_extra_state(self):
                return {"n": 3}
            def set_extra_state(self, state):
                log.append(state)
        e = Extra()
        e.state_dict()
        e.load_state_dict(e.state_dict())
        log
        e.load_state_dict({})
        e.load_state_dict({}, strict=False)
        nn.Module().get_extra_state()
        nn.Module().set_extra_state(1)
        nn.Module().load_state_dict({"_extra_state": 1})
        class Half(nn.Module):
            def get_extra_state(self):
                return 5
        Half().load_state_dict(Half().state_dict())
    """,
    "loading": """
        net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        s = net.state_dict()
        net.load_state_dict(s)
        repr(net.load_state_dict(s))
        net.load_state_dict({})
        net.load_state_dict({}, strict=False)
        net.load_state_dict({"foo": 1, "0.weight": torch.ones(2, 2)})
        net.load_state_dict({"foo": 1, "0.weight": torch.ones(2, 2)}, False)
        bad = dict(s); bad["0.weight"] = torch.ones(3, 2); bad["1.bias"] = torch.ones(7)
        net.load_state_dict(bad)
        net.load_state_dict(bad, strict=False)
        bad = dict(s); bad["0.weight"] = 3
        net.load_state_dict(bad)
        bad["0.weight"] = "x"
        net.load_state_dict(bad, strict=False)
        net.load_state_dict(3)
        net.load_state_dict([("a", 1)])
        net.load_state_dict(None)
        extra = dict(s); extra["0.more"] = torch.ones(1); extra["2.weight"] = torch.ones(1)
        net.load_state_dict(extra)
        net.load_state_dict(extra, strict=False)
        del extra["1.num_batches_tracked"]
        net.load_state_dict(extra, strict=False)
        w = net[0].weight
        net.load_state_dict(s, assign=True)
        w is net[0].weight, net[0].weight.requires_grad, type(net[0].weight).__name__
        t = {k: v.clone().double() if v.is_floating_point() else v for k, v in s.items()}
        net.load_state_dict(t)
        net[0].weight.dtype
        net.load_state_dict(t, assign=True)
        net[0].weight.dtype, net[1].running_mean.dtype
        net[0].weight
        net.load_state_dict(bad, assign=True)
        net.load_state_dict({k: nn.Parameter(v) if v.is_floating_point() else v for k, v in s.items()}, assign=True)
        net[0].weight.is_leaf
        one = nn.Module(); one.register_parameter("p", nn.Parameter(torch.tensor(1.0)))
        one.load_state_dict({"p": torch.tensor([2.0])})
        one.p
        one.load_state_dict({"p": torch.tensor([2.0, 3.0])})
        nn.Linear(2, 2).load_state_dict({"weight": torch.ones(2, 2), "bias": torch.ones(2, device="meta")})
        f = nn.Linear(1, 1); f.weight.requires_grad_(False)
        f.load_state_dict({"weight": torch.ones(1, 1), "bias": torch.ones(1)}, assign=True)
        f.weight.requires_grad, f.bias.requires_grad
        nn.Linear(2, 3, bias=False).load_state_dict({"weight": torch.ones(3, 2), "bias": torch.ones(3)})
    """,
    "conversion": """
        def dtypes(m):
            return [(n, str(t.dtype).split(".")[-1], t.requires_grad) for n, t in m.state_dict(keep_vars=True).items()]
        m = nn.BatchNorm1d(2)
        w = m.weight
        dtypes(m.double())
        w is m.weight
        dtypes(m.half())
        dtypes(m.bfloat16())
        dtypes(m.float())
        dtypes(m.to(torch.float64))
        dtypes(m.to(dtype=torch.float32))
        dtypes(m.to("cpu", torch.float16))
        dtypes(m.to(torch.device("cpu"), torch.float32, True))
        dtypes(m.to(torch.ones(1, dtype=torch.float64)))
        dtypes(m.to(other=torch.ones(1)))
        dtypes(m.to(tensor=torch.ones(1)))
        dtypes(m.to(device="cpu", dtype=torch.float32, non_blocking=True))
        m.to(torch.int32)
        m.to(torch.bool)
        m.to("nowhere")
        m.to()
        m.to(None)
        m.to("cpu", "cpu")
        m.to(torch.float32, torch.float32)
        m.to(memory_format=torch.channels_last)
        m.to(foo=1)
        dtypes(m.type(torch.float64))
        dtypes(m.type("torch.FloatTensor"))
        m.float() is m
        dtypes(m.to(torch.complex64))
        c = nn.Conv2d(2, 3, 2).to(memory_format=torch.channels_last)
        c.weight.is_contiguous(memory_format=torch.channels_last)
        c.weight.stride()
        c.to(memory_format=torch.contiguous_format).weight.stride()
        c.to("cpu", memory_format=torch.channels_last).weight.stride()
        c.to(torch.float64, memory_format=torch.contiguous_format).weight.stride()
        k = nn.Linear(2, 2).to("meta")
        k.weight
        k.weight.requires_grad
        k.to("cpu")
        k.to_empty(device="cpu").weight.shape
        nn.Linear(2, 2, device="meta").to_empty(device="cpu", recurse=False).bias.device
        k.to_empty("cpu")
        k.to_empty()
        r = nn.Linear(2, 2)
        r(torch.ones(1, 2)).sum().backward()
        r.double()
        r.weight.grad.dtype, r.weight.grad.requires_grad
        r.to("meta").weight.grad.device.type
        nn.Linear(2, 2).cpu()
        nn.Linear(2, 2).requires_grad_(False).weight.requires_grad
        nn.Linear(2, 2).share_memory().weight.is_shared()
        nn.Linear(2, 2, dtype=torch.float64, device="cpu").weight.dtype
    """,
    "copies": """
        net = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2))
        net[0].weight.grad = torch.ones(2, 1)
        two = copy.deepcopy(net)
        two
        two[0].weight is net[0].weight
        torch.equal(two[0].weight, net[0].weight)
        two[0].weight.grad
        shallow = copy.copy(net)
        shallow[0] is net[0]
        three = pickle.loads(pickle.dumps(net))
        three
        torch.equal(three[0].weight, net[0].weight), three[0].weight.requires_grad
        three.training
        net.tied = net[0]
        four = copy.deepcopy(net)
        four.tied is four[0]
        five = pickle.loads(pickle.dumps(net))
        five.tied is five[0]
        net.register_forward_hook(print)
        len(copy.deepcopy(net)._forward_hooks)
        p = nn.Parameter(torch.ones(2), requires_grad=False)
        copy.deepcopy(p)
        pickle.loads(pickle.dumps(p))
        copy.deepcopy({"a": p, "b": p})["a"] is p
        p
        nn.Parameter(torch.ones(2, dtype=torch.int64))
        nn.Parameter(torch.ones(2, dtype=torch.int64), False)
        nn.Parameter(3)
        nn.Parameter()
        nn.Parameter([1.0])
        nn.Parameter(None)
        nn.Parameter(torch.ones(2), True).detach()
        nn.Parameter(torch.ones(2)).data
        nn.Parameter(torch.ones(2)).clone()
        isinstance(torch.ones(1), nn.Parameter)
        isinstance(nn.Parameter(torch.ones(1)), torch.Tensor)
        repr(nn.Parameter(torch.ones(2)))
        b = nn.Buffer(torch.ones(2))
        b
        isinstance(b, nn.Buffer), isinstance(torch.ones(1), nn.Buffer)
        b.persistent
        nn.Buffer()
        nn.Buffer(torch.ones(1), persistent=False).persistent
        copy.deepcopy(b)
    """,
}
