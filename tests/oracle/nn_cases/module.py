"""Programs about Module itself: registration, traversal, training, calls."""

from __future__ import annotations

CASES = {
    "registering": """
        m = nn.Module()
        m.register_parameter("a", nn.Parameter(torch.ones(2)))
        m.register_parameter("a", nn.Parameter(torch.ones(3)))
        m.a
        m.register_parameter("b", None)
        m.b
        m.register_parameter("c", torch.ones(2))
        m.register_parameter("c.d", nn.Parameter(torch.ones(2)))
        m.register_parameter("", nn.Parameter(torch.ones(2)))
        m.register_parameter(3, nn.Parameter(torch.ones(2)))
        m.register_parameter("e", nn.Parameter(torch.ones(2)) * 2)
        m.register_parameter("forward", nn.Parameter(torch.ones(2)))
        m.register_buffer("a", torch.ones(2))
        m.register_buffer("buf", torch.ones(2))
        m.register_buffer("buf", torch.zeros(2))
        m.register_buffer("training", torch.zeros(2))
        m.register_buffer("x.y", torch.zeros(2))
        m.register_buffer("", torch.zeros(2))
        m.register_buffer(1, torch.zeros(2))
        m.register_buffer("z", 3)
        m.register_buffer("none", None)
        m.register_buffer("temp", torch.zeros(1), persistent=False)
        m.register_buffer("buf2", nn.Parameter(torch.ones(1)))
        m.state_dict()
        m.register_module("sub", nn.Linear(2, 2))
        m.register_module("sub", nn.ReLU())
        m.register_module("a", nn.ReLU())
        m.register_module("n", None)
        m.register_module("a.b", nn.ReLU())
        m.register_module("", nn.ReLU())
        m.register_module(1, nn.ReLU())
        m.register_module("q", 3)
        m.add_module("q", nn.ReLU)
        m.add_module("buf", nn.ReLU())
        m
        m.missing
        list(m._parameters)
        list(m._buffers)
        sorted(m._non_persistent_buffers_set)
    """,
    "assignment": """
        m = nn.Module()
        m.w = nn.Parameter(torch.ones(2))
        m.w = torch.ones(2)
        m.w = 3
        m.w = None
        m.w
        m.w = nn.Parameter(torch.zeros(1))
        m.w
        m.l = nn.Linear(1, 1)
        m.l = torch.ones(1)
        m.l = 5
        m.l = None
        m.l
        m.l = nn.ReLU()
        m
        m.register_buffer("b", torch.ones(1))
        m.b = torch.zeros(2)
        m.b
        m.b = 3
        m.b = "text"
        m.b = nn.Parameter(torch.ones(3))
        [n for n, _ in m.named_parameters()]
        [n for n, _ in m.named_buffers()]
        m.b = nn.Linear(1, 1)
        m.plain = torch.ones(1)
        "plain" in m.state_dict()
        m.plain = nn.Parameter(torch.ones(1))
        "plain" in m.state_dict()
        del m.plain
        m.plain
        del m.w, m.l
        m
        del m.nothing
        m.w = nn.Linear(1, 1)
        m.w = nn.Parameter(torch.ones(1))
        m
        m.bb = nn.Buffer(torch.ones(2))
        m.bc = nn.Buffer(torch.ones(2), persistent=False)
        list(m.state_dict())
        m.bb = torch.zeros(1)
        m.bb = None
        m.bb
        list(m.state_dict())
    """,
    "before init": """
        class A(nn.Module):
            def __init__(self):
                self.w = nn.Parameter(torch.ones(1))
        class B(nn.Module):
            def __init__(self):
                self.w = nn.Linear(1, 1)
        class C(nn.Module):
            def __init__(self):
                self.register_buffer("b", torch.ones(1))
        class D(nn.Module):
            def __init__(self):
                self.register_parameter("b", nn.Parameter(torch.ones(1)))
        class E(nn.Module):
            def __init__(self):
                self.add_module("b", nn.Linear(1, 1))
        class G(nn.Module):
            def __init__(self):
                self.x = 3
                self.b = nn.Buffer(torch.ones(1))
        A()
        B()
        C()
        D()
        E()
        G()
        class H(nn.Module):
            def __init__(self):
                self.x = 3
        H().x
        H().y
        list(H().parameters())
        H().state_dict()
    """,
    "init arguments": """
        class A(nn.Module):
            pass
        A(3)
        A(3, 4)
        A(x=3)
        A()(3)
        A().forward(3)
        class Mixin:
            def __init__(self, y):
                self.y = y
        class B(nn.Module, Mixin):
            call_super_init = True
            def __init__(self, y):
                super().__init__(y=y)
        B(4).y
        class E(nn.Module):
            def extra_repr(self):
                return "a=1, b=2"
        E()
        class G(E):
            def __init__(self):
                super().__init__()
                self.l = nn.ReLU()
            def extra_repr(self):
                return "one\\ntwo"
        G()
        class K(nn.Module):
            def extra_repr(self):
                return "one\\ntwo"
        K()
        class L(nn.Module):
            def _get_name(self):
                return "Other"
        L()
    """,
    "dir": """
        m = nn.Linear(2, 3)
        m.register_buffer("zz", torch.ones(1))
        m.sub = nn.ReLU()
        [n for n in dir(m) if n in ("weight", "bias", "zz", "sub", "forward", "in_features")]
        m.add_module("0", nn.ReLU())
        "0" in dir(m)
        hasattr(m, "weight"), hasattr(m, "nope")
        getattr(m, "nope", 3)
        m.__dict__["in_features"]
        vars(m)["training"]
        m._version
        m.dump_patches
        m.call_super_init
        type(m).__name__
    """,
    "named members": """
        shared = nn.Linear(1, 1)
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = shared
                self.b = nn.Sequential(shared, nn.BatchNorm1d(1))
                self.w = nn.Parameter(torch.ones(1))
                self.v = self.w
        m = Net()
        [n for n, _ in m.named_parameters()]
        [n for n, _ in m.named_parameters(remove_duplicate=False)]
        [n for n, _ in m.named_parameters("pre", False)]
        [n for n, _ in m.named_parameters(prefix="p", recurse=True)]
        [n for n, _ in m.named_buffers()]
        [n for n, _ in m.named_buffers("x", True, False)]
        [n for n, _ in m.named_modules()]
        [n for n, _ in m.named_modules(remove_duplicate=False)]
        [n for n, _ in m.named_modules(prefix="root")]
        [n for n, _ in m.named_modules(memo={shared})]
        [n for n, _ in m.named_children()]
        [type(x).__name__ for x in m.modules()]
        [type(x).__name__ for x in m.modules(remove_duplicate=False)]
        [type(x).__name__ for x in m.children()]
        len(list(m.parameters())), len(list(m.parameters(recurse=False))), len(list(m.buffers()))
        m.twice = m.a
        [n for n, _ in m.named_children()]
        type(m.parameters()).__name__
        m.get_submodule("b.1")
        m.get_submodule("")  is m
        m.get_submodule("b.7")
        m.get_submodule("w")
        m.get_submodule("zz.a")
        m.get_parameter("b.0.weight").shape
        m.get_parameter("w").shape
        m.get_parameter("b.0.nothing")
        m.get_parameter("b.1.running_mean")
        m.get_parameter("b")
        m.get_buffer("b.1.running_mean")
        m.get_buffer("b.1.weight")
        m.get_buffer("b.1.zip")
        m.get_buffer("w")
        m.set_submodule("b.0", nn.ReLU())
        m
        m.set_submodule("b.5", nn.ReLU())
        m.set_submodule("b.5", nn.ReLU(), strict=True)
        m.set_submodule("", nn.ReLU())
        m.set_submodule("w", nn.ReLU())
        m.set_submodule("new", nn.ReLU())
        m.set_submodule("new2", nn.ReLU(), strict=True)
        m.set_submodule("a.q.r", nn.ReLU())
        m.set_submodule("a", 3)
        m.set_submodule("w.k", nn.ReLU())
        [n for n, _ in m.named_modules()]
    """,
    "training and gradients": """
        net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Dropout(0.5)))
        net.eval() is net
        [m.training for m in net.modules()]
        net.train()
        net.train(False)
        net.train("yes")
        net.train(1)
        net.train(None)
        net.eval(3)
        [m.training for m in net.train().modules()]
        net[0](torch.ones(1, 1)).sum().backward()
        net.zero_grad(set_to_none=False)
        net[0].weight.grad
        net.zero_grad()
        net[0].weight.grad
        log.clear()
        net.apply(lambda m: log.append(type(m).__name__)) is net
        log
        net.apply(3)
        net.requires_grad_(requires_grad=False) is net
        [p.requires_grad for p in net.parameters()]
        net.requires_grad_("x")
        net._apply(lambda t: t * 2) is net
        net.compile()
        net(torch.ones(1, 1)).shape
        net.register_parameter("p", nn.Parameter(torch.ones(1)))
        net.p.grad
    """,
    "calling": """
        l = nn.Linear(2, 2)
        l()
        l(torch.ones(1, 2), 3)
        l(x=torch.ones(1, 2))
        l(torch.ones(1, 3))
        l(torch.ones(3))
        l(torch.ones(2)).shape
        l(torch.ones(0, 2)).shape
        l([1, 2])
        l(None)
        l(np.ones((1, 2)))
        l(torch.ones(1, 2, dtype=torch.int64))
        l(torch.ones(1, 2, dtype=torch.float64))
        l.forward(torch.ones(1, 2)).shape
        str(l) == repr(l)
        len(l)
        iter(l)
        l[0]
        bool(l)
        l == l, l == nn.Linear(2, 2)
        hash(l) == hash(l)
        nn.Linear()
        nn.Linear(2)
        nn.Linear(2, 3, 4, 5, 6, 7)
        nn.Linear(-1, 2)
        nn.Linear(2, 3, foo=1)
        nn.Linear(0, 2)(torch.ones(1, 0)).shape
        nn.Linear(2, 0)(torch.ones(1, 2)).shape
    """,
}
