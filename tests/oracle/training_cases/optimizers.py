"""Optimizers: groups, hooks, states, options and errors, as programs."""

from __future__ import annotations

NAMES = ("ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "Muon",
         "NAdam", "RAdam", "RMSprop", "Rprop", "SGD", "SparseAdam")

PREPARE = """
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
def train(model, optimizer, steps=3):
    for k in range(steps):
        optimizer.zero_grad()
        loss = model(data(5, 3, seed=k)).square().sum()
        loss.backward()
        optimizer.step()
    return [p.detach().clone() for p in model.parameters()]
def w(*shape):
    return nn.Parameter(data(*(shape or (3,))))
def attempt(f):
    try:
        return f()
    except Exception as e:
        return type(e).__name__, str(e)[:60]
"""

GROUPS = """
m = net()
o = torch.optim.SGD([{"params": m[0].parameters(), "lr": 0.5}, {"params": m[2].weight}], lr=0.1)
o
len(o.param_groups), [len(g["params"]) for g in o.param_groups]
o.add_param_group({"params": m[2].bias, "momentum": 0.9, "extra": 7})
o
train(m, o)
o.state_dict()["param_groups"]
o.add_param_group([m[2].bias])
o.add_param_group({"params": m[2].bias})
o.add_param_group({"params": [m[2].bias, m[2].weight]})
o.add_param_group({"params": set([w()])})
o.add_param_group({"params": [3]})
o.add_param_group({"params": ["a"]})
o.add_param_group({"params": 3})
o.add_param_group({})
o.add_param_group({"params": [w() * 2]})
o.add_param_group({"params": (w() for _ in range(2))})
o.add_param_group({"params": []})
o.add_param_group({"params": [("name", w())]})
o.add_param_group({"params": [("name", w()), w()]})
o.add_param_group({"params": {"a": w()}})
len(o.param_groups)
a = w()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    o.add_param_group({"params": [a, a]})
[(c.category.__name__, str(c.message)[:60]) for c in caught]
torch.optim.SGD([])
torch.optim.SGD([], lr=0.1)
torch.optim.SGD(w(), lr=0.1)
torch.optim.SGD({w()}, lr=0.1)
torch.optim.SGD({"a": w()}, lr=0.1)
torch.optim.SGD([{"lr": 3}], lr=0.1)
torch.optim.SGD([[w()]], lr=0.1)
torch.optim.SGD([w(), 3], lr=0.1)
torch.optim.SGD(3, lr=0.1)
torch.optim.SGD([w().detach().clone().requires_grad_() * 1], lr=0.1)
torch.optim.SGD([torch.ones(2)], lr=0.1)
torch.optim.SGD([torch.ones(2)])
"""

NAMED = """
m = net()
o = torch.optim.Adam(m.named_parameters(), lr=0.1)
o.param_groups[0]["param_names"]
o
train(m, o)
s = o.state_dict()
s["param_groups"]
list(s["state"])
p = torch.optim.Adam(net().named_parameters(), lr=0.2)
p.load_state_dict(s)
p.param_groups[0]["param_names"], p.param_groups[0]["lr"]
p = torch.optim.Adam(net().parameters(), lr=0.2)
p.load_state_dict(s)
sorted(p.param_groups[0])
q = torch.optim.Adam(net().named_parameters(), lr=0.2)
q.load_state_dict(torch.optim.Adam(net().parameters()).state_dict())
sorted(q.param_groups[0])
o.add_param_group({"params": [w()]})
o.add_param_group({"params": [("x", w())]})
o.param_groups[1]["param_names"]
o.add_param_group({"params": [("y", 3)]})
o.add_param_group({"params": [("y", w(), 3)]})
o.add_param_group({"params": [("x", w())]})
torch.optim.Adam([("a", w()), w()])
torch.optim.Adam([w(), ("a", w())])
torch.optim.Adam([{"params": m[0].named_parameters()}, {"params": m[2].named_parameters(),
    "lr": 1.}])
torch.optim.Adam([{"params": m[0].named_parameters()}, {"params": m[2].parameters()}])
torch.optim.LBFGS(net().named_parameters()).param_groups[0]["param_names"]
"""

HOOKS = """
m = net()
o = torch.optim.SGD(m.parameters(), lr=0.1)
pre = o.register_step_pre_hook(lambda opt, args, kwargs: log.append(("pre", opt is o, args,
    sorted(kwargs))))
post = o.register_step_post_hook(lambda opt, args, kwargs: log.append(("post", opt is o, args,
    sorted(kwargs))))
train(m, o, 1)
o.step(closure=lambda: 1.5)
o.step(lambda: 2.5)
log
pre.remove(), post.remove()
train(m, o, 1)
len(log)
h = o.register_step_pre_hook(lambda opt, args, kwargs: ((args[0], lambda: 7.0), {}))
o.step()
h.remove()
h = o.register_step_pre_hook(lambda opt, args, kwargs: 3)
o.step()
h.remove()
h = o.register_step_pre_hook(lambda opt, args, kwargs: (1,))
o.step()
h.remove()
h = o.register_step_post_hook(lambda opt, args, kwargs: 3)
o.step()
h.remove()
h = o.register_state_dict_pre_hook(lambda opt: log.append("before"))
i = o.register_state_dict_post_hook(lambda opt, s: {**s, "more": 1})
j = o.register_state_dict_post_hook(lambda opt, s: log.append(sorted(s)))
k = o.register_state_dict_post_hook(lambda opt, s: log.append(("first", sorted(s))), prepend=True)
sorted(o.state_dict())
log[4:]
h.remove(), i.remove(), j.remove(), k.remove()
s = o.state_dict()
h = o.register_load_state_dict_pre_hook(lambda opt, s: log.append(("load", sorted(s))))
i = o.register_load_state_dict_pre_hook(lambda opt, s: {**s,
    "param_groups": [{**s["param_groups"][0], "lr": 9.0}]})
j = o.register_load_state_dict_post_hook(lambda opt: log.append(("loaded",
    opt.param_groups[0]["lr"])))
o.load_state_dict(s)
s["param_groups"][0]["lr"]
log[-2:]
h.remove(), i.remove(), j.remove()
import importlib
T = importlib.import_module(torch.__name__ + ".optim.optimizer")
g = T.register_optimizer_step_pre_hook(lambda opt, args, kwargs: log.append("global before"))
f = T.register_optimizer_step_post_hook(lambda opt, args, kwargs: log.append("global after"))
h = o.register_step_pre_hook(lambda opt, args, kwargs: log.append("own before"))
i = o.register_step_post_hook(lambda opt, args, kwargs: log.append("own after"))
o.step()
log[-4:]
g.remove(), f.remove(), h.remove(), i.remove()
"""

STATES = """
def o(name, **k):
    m = net()
    made = getattr(torch.optim, name)(m.parameters(), **k)
    return m, made
m, a = o("Adam", lr=0.1, amsgrad=True)
train(m, a)
s = a.state_dict()
sorted(s["state"][0]), [type(v).__name__ for v in s["state"][0].values()], s["state"][0]["step"]
n, b = o("Adam", lr=0.5)
b.load_state_dict(s)
b
n.load_state_dict(m.state_dict())
train(n, b)
train(m, a)
b.load_state_dict({"state": {}, "param_groups": []})
b.load_state_dict({"state": {}, "param_groups": [{"params": [0]}]})
b.load_state_dict({"state": {}})
b.load_state_dict(3)
b.load_state_dict({"state": {0: {"step": 3, "exp_avg": torch.ones(4, 3, dtype=torch.float64),
    "x": [torch.ones(2, dtype=torch.float64), {"y": torch.ones(1, dtype=torch.int64)}]},
    "other": 5}, "param_groups": s["param_groups"]})
list(b.state.values())
b.state_dict()["state"].keys()
c = copy.deepcopy(a)
len(c.state), c.param_groups[0]["params"][0] is a.param_groups[0]["params"][0]
d = pickle.loads(pickle.dumps(a))
d
len(d.state), d.state_dict()["state"][0]["step"]
a.zero_grad()
[p.grad for p in m.parameters()]
m(data(5, 3)).sum().backward()
a.zero_grad(set_to_none=False)
[p.grad for p in m.parameters()]
a.zero_grad(False)
a.defaults
h = a.state_dict()["param_groups"][0]
h["lr"] = 5
a.param_groups[0]["lr"]
a.state_dict()["state"][0]["exp_avg"] is a.state[a.param_groups[0]["params"][0]]["exp_avg"]
a.param_groups[0]["lr"] = torch.tensor(0.1)
train(m, a)
torch.optim.Optimizer([w()], {}).step()
torch.optim.Optimizer([w()], {"a": 1})
a.step(3)
"""

FLAGS = """
def three(name, **k):
    m = net()
    return train(m, getattr(torch.optim, name)(m.parameters(), **k))
for_each = [(n, k) for n in ("Adam", "AdamW", "SGD", "Adagrad") for k in ({"fused": True},
    {"foreach": True}, {"foreach": False}, {"fused": False})]
[attempt(lambda: three(n, **{"lr": 0.1, **k})) for n, k in for_each]
[attempt(lambda: three(n, foreach=True)) for n in ("ASGD", "Adadelta", "Adafactor", "Adamax",
    "NAdam", "RAdam", "RMSprop", "Rprop")]
[attempt(lambda: three(n, foreach=False)) for n in ("ASGD", "Adadelta", "Adafactor", "Adamax",
    "NAdam", "RAdam", "RMSprop", "Rprop")]
[attempt(lambda: three(n, maximize=True)) for n in ("ASGD", "Adadelta", "Adafactor", "Adagrad",
    "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD")]
[attempt(lambda: three(n, weight_decay=0.3)) for n in ("ASGD", "Adadelta", "Adafactor", "Adagrad",
    "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "SGD")]
[attempt(lambda: three(n, decoupled_weight_decay=True, weight_decay=0.3)) for n in ("Adam", "NAdam",
    "RAdam", "SGD")]
[attempt(lambda: three(n, fused=True, foreach=True)) for n in ("Adam", "AdamW", "SGD", "Adagrad")]
[attempt(lambda: three(n, fused=True, differentiable=True)) for n in ("Adam", "AdamW", "SGD",
    "Adagrad")]
[attempt(lambda: three(n, lr=torch.tensor(0.1))) for n in ("Adam", "AdamW", "SGD", "Adagrad",
    "RMSprop", "ASGD", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "Adafactor")]
[attempt(lambda: three(n, lr=torch.tensor([0.1, 0.2]))) for n in ("Adam", "AdamW", "SGD", "Adagrad",
    "RMSprop", "ASGD", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "Adafactor")]
[attempt(lambda: three(n, lr=torch.tensor(0.1), foreach=True)) for n in ("Adam", "AdamW", "SGD",
    "Adagrad", "RMSprop", "ASGD", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "Adafactor")]
[attempt(lambda: three(n, lr=-1)) for n in ("Adam", "AdamW", "SGD", "Adagrad", "RMSprop", "ASGD",
    "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "Adafactor", "LBFGS", "SparseAdam", "Muon")]
[attempt(lambda: three(n, weight_decay=-1)) for n in ("Adam", "AdamW", "SGD", "Adagrad", "RMSprop",
    "ASGD", "Adadelta", "Adamax", "NAdam", "RAdam", "Adafactor", "Muon")]
[attempt(lambda: three(n, eps=-1)) for n in ("Adam", "AdamW", "Adagrad", "RMSprop", "Adadelta",
    "Adamax", "NAdam", "RAdam", "SparseAdam", "Muon")]
[attempt(lambda: three(n, betas=(1.0, 0.5))) for n in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam",
    "SparseAdam")]
[attempt(lambda: three(n, betas=(0.5, -0.5))) for n in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam",
    "SparseAdam")]
[attempt(lambda: three(n, betas=(torch.tensor(0.5), torch.tensor(0.9)))) for n in ("Adam", "AdamW")]
[attempt(lambda: three(n, betas=(torch.tensor(0.5), 0.9))) for n in ("Adam", "AdamW")]
attempt(lambda: three("SGD", momentum=-1)), attempt(lambda: three("SGD",
    nesterov=True)), attempt(lambda: three("SGD", nesterov=True, momentum=0.9, dampening=0.1))
attempt(lambda: three("RMSprop", momentum=-1)), attempt(lambda: three("RMSprop", alpha=-1))
attempt(lambda: three("Rprop", etas=(2, 3))), attempt(lambda: three("Adadelta",
    rho=2)), attempt(lambda: three("NAdam", momentum_decay=-1))
attempt(lambda: three("Adagrad", lr_decay=-1)), attempt(lambda: three("Adagrad",
    initial_accumulator_value=-1))
attempt(lambda: three("Adafactor", eps=(-1, 1))), attempt(lambda: three("Adafactor",
    d=0.5)), attempt(lambda: three("Adafactor", beta2_decay=1)), attempt(lambda: three("Adafactor",
    eps=(1, -1)))
attempt(lambda: three("Adam", wrong=1))
three("SGD", momentum=0.9, nesterov=True, weight_decay=0.1, maximize=True)
three("SGD", momentum=0.9, dampening=0.5)
three("RMSprop", centered=True, momentum=0.5, weight_decay=0.1)
three("Adagrad", initial_accumulator_value=0.5, lr_decay=0.1)
def complex_step(n, **k):
    p = nn.Parameter(torch.tensor([1 + 2j, 3 - 1j]))
    o = getattr(torch.optim, n)([p], **k)
    for _ in range(3):
        o.zero_grad(); (p.abs() ** 2).sum().backward(); o.step()
    return p.detach()
[attempt(lambda: complex_step(n)) for n in ("Adam", "AdamW", "SGD", "Adagrad", "RMSprop", "ASGD",
    "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "Adafactor")]
def grad_through(n, **k):
    p = torch.ones(2, requires_grad=True)
    q = p * 1; q.retain_grad()
    o = getattr(torch.optim, n)([q], differentiable=True, **k)
    q.grad = torch.full((2,), 0.5, requires_grad=True) * 2
    o.step()
    q.sum().backward()
    return p.grad, q.detach()
[attempt(lambda: grad_through(n)) for n in ("Adam", "AdamW", "SGD", "Adagrad", "RMSprop", "ASGD",
    "Adadelta", "Adamax", "NAdam", "RAdam")]
"""

LBFGS = """
def rosenbrock(**k):
    x = nn.Parameter(torch.tensor([-1.5, 2.0]))
    o = torch.optim.LBFGS([x], **k)
    calls = []
    def closure():
        o.zero_grad()
        f = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        f.backward()
        calls.append(1)
        return f
    values = [float(o.step(closure)) for _ in range(3)]
    return len(calls), values, x.detach(), sorted(map(str,
        o.state[x])), o.state[x]["n_iter"], o.state[x]["func_evals"]
rosenbrock(lr=0.001)
rosenbrock(lr=1, line_search_fn="strong_wolfe", max_iter=2)
rosenbrock(lr=1, line_search_fn="strong_wolfe", max_iter=3, history_size=2)[:1]
rosenbrock(lr=0.001, max_eval=7)
rosenbrock(lr=0.001, tolerance_grad=1e3)
rosenbrock(lr=0.001, tolerance_change=10.0)
rosenbrock(line_search_fn="other")
torch.optim.LBFGS([{"params": [w()]}, {"params": [w()]}])
o = torch.optim.LBFGS([w()])
o
o.step()
o.step(None)
o.state_dict()
"""

MUON = """
m = [nn.Parameter(data(4, 3)), nn.Parameter(data(3, 5, seed=1))]
o = torch.optim.Muon(m, lr=0.1)
o
for p in m: p.grad = p.detach() * 0.1
o.step()
m
torch.optim.Muon([w()])
torch.optim.Muon(m, adjust_lr_fn="match_rms_adamw").param_groups[0]["adjust_lr_fn"]
torch.optim.Muon(m, adjust_lr_fn="x")
torch.optim.Muon(m, momentum=-1)
torch.optim.Muon(m, ns_steps=200).step()
torch.optim.Muon(m, ns_coefficients=(1, 2)).step()
"""

PROGRAMS = {name.lower(): PREPARE + text for name, text in (
    ("groups", GROUPS), ("named", NAMED), ("hooks", HOOKS), ("states", STATES), ("flags", FLAGS),
    ("lbfgs", LBFGS), ("muon", MUON))}

EVERY = """
O = torch.optim.{name}
m = net()
o = O(m.parameters())
o
o.defaults
def run(dtype):
    p = [nn.Parameter(data(4, 3).to(dtype)), nn.Parameter(data(2, 3, seed=1).to(dtype)),
        nn.Parameter(data(2, 2).to(dtype))]
    o = O([{{"params": p[:1]}}, {{"params": p[1:], "lr": 0.05}}])
    for k in range(4):
        for q in p[:2]:
            q.grad = (q.detach() * 0.1 + k).to(dtype)
        o.step()
    return o, p
r, p = run(torch.float32)
p
{{k: v for k, v in r.state_dict()["state"].items()}}
[sorted(s) for s in r.state.values()]
r.state_dict()["param_groups"]
d, q = run(torch.float64)
q
d.state_dict()["state"]
b, q = run(torch.bfloat16)
[bool((x.detach().float() - y.detach()).abs().max() < 0.05) for x, y in zip(q, p)]
[(k, getattr(v, "dtype", None)) for s in b.state.values() for k, v in s.items()]
e = O([{{"params": [w(4, 3)]}}, {{"params": [w(2, 3), w(2, 2)]}}])
e.load_state_dict(d.state_dict())
[(k, getattr(v, "dtype", None)) for s in e.state.values() for k, v in s.items()]
z = O([w(3, 3)])
z.step()
len(z.state)
z.step(lambda: 3.0)
v = w(3, 3); v.grad = torch.full((3, 3), float("nan"))
n = O([v]); n.step(); v
v = w(0, 3); v.grad = torch.ones(0, 3)
n = None if O is torch.optim.Adafactor else O([v]).step(); v
v = nn.Parameter(data(6, 4).t()[::2]); v.grad = torch.ones(2, 6)
n = O([v]); n.step(); v
old = O([w(3, 3)]); s = old.__getstate__(); sorted(s)
"""

PROGRAMS |= {f"every {name}": PREPARE + EVERY.format(name=name) for name in NAMES
             if name not in ("LBFGS", "SparseAdam", "Muon")}
