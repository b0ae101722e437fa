"""Programs about the containers of modules and of parameters."""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

CASES = {
    "Container": """
        nn.Container(a=nn.ReLU(), b=nn.Linear(1, 1))
        nn.Container(a=3)
        nn.Container(nn.ReLU())
        sorted(nn.factory_kwargs({"device": "cpu", "dtype": torch.float64}))
        nn.factory_kwargs(None), nn.factory_kwargs({"factory_kwargs": {"dtype": torch.int8}})
        nn.factory_kwargs({"zip": 1})
        nn.factory_kwargs({"factory_kwargs": {"dtype": 1}, "dtype": 2})
    """,
    "Sequential": """
        s = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        s
        len(s), bool(s), len(nn.Sequential()), bool(nn.Sequential())
        s[0], s[-1], s[1:]
        s[::2], s[::-1]
        s[5]
        s[-4]
        s["0"]
        s[1.0]
        s[True]
        s[0] = nn.Tanh()
        s[7] = nn.Tanh()
        s[0] = 3
        s[0:1] = nn.Tanh()
        s
        del s[0]
        s
        del s[9]
        del s[0:1]
        s
        s.append(nn.Tanh()) is s
        s.append(3)
        s.append()
        s.insert(0, nn.Sigmoid())
        s.insert(-1, nn.ELU())
        s.insert(99, nn.ELU())
        s.insert(-99, nn.ELU())
        s.insert(0, 3)
        s.insert(len(s), nn.CELU())
        s.extend([nn.ReLU(), nn.ReLU()])
        s.extend(nn.Sequential(nn.GELU()))
        s.extend(3)
        s.extend([3])
        s
        s.pop(0)
        s.pop(-1)
        s.pop(77)
        s.pop()
        s.pop(slice(0, 1))
        s
        s + nn.Sequential(nn.ReLU())
        s + [nn.ReLU()]
        s + 3
        s += nn.Sequential(nn.Tanh())
        s += 3
        s * 2
        2 * s
        s * 0
        s * 1.5
        s * -1
        s *= 2
        s
        s *= 0
        s *= "a"
        list(iter(s))[0]
        [n for n, _ in s.named_children()]
        nn.ReLU() in s
        s[0] in s
        reversed(s)
        nn.Sequential(3)
        nn.Sequential(nn.ReLU)
        nn.Sequential([nn.ReLU()])
        nn.Sequential(None)
        nn.Sequential(nn.ReLU(), None)
        nn.Sequential(nn.ReLU(), None)(torch.ones(1))
        nn.Sequential({"a": nn.ReLU()})
        nn.Sequential(*[nn.Linear(2, 2) for _ in range(4)])
        nn.Sequential()(torch.ones(2))
        nn.Sequential(nn.ReLU())(torch.ones(1), torch.ones(1))
        nn.Sequential(nn.ReLU())(input=torch.ones(1))
    """,
    "Sequential with names": """
        s = nn.Sequential(OrderedDict([("a", nn.Linear(1, 1)), ("b", nn.ReLU())]))
        s
        s.a
        s[1]
        s[:1]
        s.append(nn.Tanh())
        s
        del s[0]
        s
        s.insert(1, nn.ELU())
        s
        t = nn.Sequential(OrderedDict([("a", nn.ReLU()), ("b", nn.Tanh())]))
        t.pop(0)
        t
        t.c = nn.GELU()
        t
        u = nn.Sequential(OrderedDict([("a", nn.ReLU()), ("b", nn.Tanh())]))
        u + u
        u * 2
        nn.Sequential(OrderedDict([("a.b", nn.ReLU())]))
        nn.Sequential(OrderedDict([(1, nn.ReLU())]))
        nn.Sequential(OrderedDict([("a", 1)]))
        nn.Sequential(OrderedDict([("forward", nn.ReLU())]))
        class Mine(nn.Sequential):
            pass
        type(Mine(nn.ReLU(), nn.ReLU())[:1]).__name__
        type(Mine(nn.ReLU()) + Mine(nn.ReLU())).__name__
        type(Mine(nn.ReLU()) * 2).__name__
    """,
    "ModuleList": """
        m = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.ReLU()])
        m
        len(m), bool(nn.ModuleList())
        nn.ModuleList()
        m[0], m[-1], m[1:], m[::-1]
        m[3]
        m[-9]
        m["0"]
        m[None]
        m[0] = nn.Tanh()
        m[5] = nn.Tanh()
        m[-1] = nn.Tanh()
        m[0] = 3
        m
        del m[0]
        del m[7]
        del m[1:]
        m
        m.insert(0, nn.ReLU())
        m.insert(99, nn.Tanh())
        m = nn.ModuleList([nn.ReLU()])
        m = nn.ModuleList([nn.ReLU()])
        m.append(nn.Tanh()) is m
        m.append(3)
        m.append(None)
        m = nn.ModuleList([nn.ReLU()])
        m.extend([nn.ReLU()]) is m
        m.extend(3)
        m.extend(m)
        m.extend(nn.ReLU())
        m.extend((nn.GELU() for _ in range(2)))
        m.extend({"a": nn.ReLU()})
        m
        m.pop(0)
        m.pop(-1)
        m.pop(50)
        m.pop()
        m += [nn.Tanh()]
        m += 3
        m + [nn.ELU()]
        m + nn.ModuleList([nn.ELU()])
        m + 3
        [nn.ELU()] + m
        m * 2
        m(torch.ones(1))
        m.forward(3)
        nn.ModuleList(3)
        nn.ModuleList([3])
        nn.ModuleList(nn.ReLU())
        nn.ModuleList([None])
        nn.ModuleList(x for x in [nn.ReLU()])
        nn.ModuleList(modules=[nn.ReLU()])
        nn.ModuleList([nn.ReLU(), nn.ReLU()], 3)
        "0" in dir(m), "append" in dir(m)
        nn.ReLU() in m, m[0] in m
        nn.ModuleList([nn.ModuleList([nn.ReLU(), nn.ReLU()]), nn.ModuleList([nn.ReLU(), nn.ReLU()])])
        nn.ModuleList([nn.Sequential(nn.Linear(1, 1), nn.ReLU()) for _ in range(3)] + [nn.ReLU()])
        nn.Sequential(nn.ModuleList([nn.Sequential(nn.ReLU()) for _ in range(2)]))
        list(nn.ModuleList([nn.Linear(1, 1)]).state_dict())
        isinstance(m, list)
        m.index(m[0])
        m.clear()
        copy.deepcopy(m)
        class Mine(nn.ModuleList):
            pass
        type(Mine([nn.ReLU(), nn.ReLU()])[:1]).__name__
    """,
    "ModuleDict": """
        m = nn.ModuleDict({"a": nn.Linear(1, 1), "b": nn.ReLU()})
        m
        len(m), bool(nn.ModuleDict()), nn.ModuleDict()
        m["a"]
        m["zz"]
        m[0]
        m["c"] = nn.Tanh()
        m["c"] = nn.ELU()
        m["d"] = 3
        m["e.f"] = nn.Tanh()
        m[""] = nn.Tanh()
        m[1] = nn.Tanh()
        m["keys"] = nn.Tanh()
        m["forward"] = nn.Tanh()
        m["training"] = nn.Tanh()
        del m["c"]
        del m["zz"]
        "a" in m, "zz" in m, 3 in m
        list(m), list(m.keys()), [k for k, _ in m.items()], list(m.values())[0]
        m.pop("a")
        m.pop("zz")
        m.pop("zz", None)
        m.update({"x": nn.ReLU(), "y": nn.Tanh()})
        m.update([("p", nn.ReLU()), ["q", nn.Tanh()]])
        m.update(OrderedDict([("z", nn.ReLU()), ("k", nn.Tanh())]))
        m.update(nn.ModuleDict({"o": nn.ELU()}))
        m.update({"ww": nn.ReLU(), "aa": nn.Tanh()}.items())
        m
        m.update(3)
        m.update([3])
        m.update([("a",)])
        m.update([("a", nn.ReLU(), 1)])
        m.update({"a": 3})
        m.update()
        m.get("a")
        m.setdefault("a", nn.ReLU())
        m.copy()
        m | m
        m(torch.ones(1))
        nn.ModuleDict([["one", nn.ReLU()], ["two", nn.Tanh()]])
        nn.ModuleDict(3)
        nn.ModuleDict(a=nn.ReLU())
        nn.ModuleDict({"None": None})
        m.x
        m.clear()
        m
        reversed(m)
        list(nn.ModuleDict({"b": nn.Linear(1, 1), "a": nn.Linear(1, 1)}).state_dict())
        m.setdefault("q")
        m.popitem()
    """,
    "ParameterList": """
        p = nn.ParameterList([torch.ones(2), nn.Parameter(torch.zeros(1, 2)), 3, "text"])
        p
        len(p), bool(nn.ParameterList())
        nn.ParameterList()
        p[0], p[-1], p[1:]
        p[9]
        p[-9]
        p["0"]
        p[0] = torch.zeros(3)
        p[0]
        p[2] = 5
        p[2]
        p[-1] = nn.Parameter(torch.ones(1))
        p[9] = 3
        p.append(torch.ones(1)) is p
        p.append(nn.Linear(1, 1))
        p
        p.extend([torch.ones(1), 7]) is p
        p.extend(3)
        p.extend(torch.ones(2))
        p.extend(nn.ParameterList([torch.ones(4)]))
        p += [torch.ones(2)]
        p += 3
        p
        p.pop(0)
        p.pop()
        del p[0]
        p.insert(0, torch.ones(1))
        p + p
        list(p.state_dict())
        [n for n, _ in p.named_parameters()]
        p(1)
        [type(x).__name__ for x in p]
        nn.ParameterList(3)
        nn.ParameterList(torch.ones(2))
        nn.ParameterList(values=[torch.ones(1)])
        nn.ParameterList(range(3))
        list(nn.ParameterList(range(3)))
        nn.ParameterList([torch.ones(2, dtype=torch.int64)])
        nn.ParameterList([nn.ParameterList([torch.ones(1)]), torch.ones(1)])
        "0" in dir(p)
        torch.ones(1) in nn.ParameterList([torch.ones(1)])
        len(nn.ParameterList([torch.ones(1), torch.ones(2)]).double()[0:1])
        p.double()[0].dtype
        copy.deepcopy(nn.ParameterList([torch.ones(1)]))
        q = nn.ParameterList([torch.ones(1)]); q.load_state_dict({"0": torch.zeros(1)}); q[0]
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.ps = nn.ParameterList([torch.ones(1, 2), torch.ones(3)])
        Net()
    """,
    "ParameterDict": """
        p = nn.ParameterDict({"a": torch.ones(2), "b": nn.Parameter(torch.zeros(1))})
        p
        nn.ParameterDict()
        len(p), bool(nn.ParameterDict())
        p["a"]
        p["zz"]
        p[0]
        p["c"] = 3
        p["d"] = torch.ones(1)
        p["a"] = torch.zeros(3)
        p["a"]
        p
        del p["c"]
        del p["zz"]
        "a" in p, "zz" in p
        list(p), list(p.keys()), list(reversed(p))
        [k for k, _ in p.items()], [type(x).__name__ for x in p.values()]
        p.copy()
        p.copy() is p
        p.pop("d")
        p.pop("zz")
        p.popitem()
        p
        p.setdefault("n", torch.ones(1))
        p.setdefault("n", 4)
        p.setdefault("m")
        p.get("n"), p.get("zz"), p.get("zz", 5)
        p.fromkeys(["u", "v"])
        p.fromkeys(["u", "v"], torch.ones(1))
        p.update({"x": torch.ones(1), "w": torch.ones(2)})
        p.update([("k", torch.ones(1)), ["j", torch.ones(2)]])
        p.update(nn.ParameterDict({"o": torch.ones(1)}))
        p.update(3)
        p.update([3])
        p.update([("a",)])
        p.update(OrderedDict([("z", torch.ones(1)), ("y", torch.ones(1))]))
        list(p)
        p | {"q": torch.ones(1)}
        p | nn.ParameterDict({"q": torch.ones(1)})
        {"q": torch.ones(1)} | p
        p |= nn.ParameterDict({"q": torch.ones(1)})
        p |= {"r": torch.ones(1)}
        list(p)
        list(p.state_dict())
        p.x
        p(1)
        p.clear()
        p
        nn.ParameterDict(3)
        nn.ParameterDict([("a", torch.ones(1))])
        nn.ParameterDict(parameters={"a": torch.ones(1)})
        nn.ParameterDict({"a": nn.Linear(1, 1), "t": "text"})
        nn.ParameterDict({"a": torch.ones(1, dtype=torch.int64)})
        p == p
        p.double()
        copy.deepcopy(nn.ParameterDict({"a": torch.ones(1)}))
        pickle.loads(pickle.dumps(nn.ParameterDict({"a": torch.ones(1)})))
        nn.ParameterDict({"a": torch.ones(1)}).__reversed__()
        d = nn.ParameterDict({"a": torch.ones(1)}); d.b = nn.Parameter(torch.ones(1)); list(d)
        nn.ParameterDict({"a": torch.ones(1)}) | 3
    """,
}
