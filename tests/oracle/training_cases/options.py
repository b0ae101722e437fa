"""Every option of every optimizer and scheduler: five steps, groups, states carried over.

An optimizer's row: the values of its options. Each is run alone and with each other one.
"""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

from itertools import combinations, product

PREPARE = """
def weights(dtype):
    given = [data(*shape, seed=k) for k, shape in enumerate([(3, 4), (4,), (2, 1, 3)])]
    if dtype == "complex64":
        return [nn.Parameter(torch.complex(w, w.flip(-1))) for w in given]
    return [nn.Parameter(w.to(getattr(torch, dtype))) for w in given]
def gradients(params, step):
    for k, p in enumerate(params):
        g = data(*p.shape, seed=10 * step + k)
        if not (step == 2 and k == 1):
            p.grad = torch.complex(g, g * 2 + 1) if p.is_complex() else g.to(p.dtype)
        else:
            p.grad = None
def go(make, dtype="float32", steps=5, split=False):
    params = weights(dtype)
    groups = [{"params": params[:1], "lr": 0.05}, {"params": params[1:]}] if split else params
    o = make(groups)
    seen = []
    for step in range(steps):
        gradients(params, step)
        def closure():
            return sum((p.abs() ** 2).sum() for p in params)
        seen.append(o.step(closure) if step % 2 else o.step())
        seen.extend(p.detach().clone() for p in params)
    saved = o.state_dict()
    other = [nn.Parameter(p.detach().clone()) for p in params]
    groups = [{"params": other[:1], "lr": 0.05}, {"params": other[1:]}] if split else other
    q = make(groups)
    q.load_state_dict(copy.deepcopy(saved))
    for step in range(2):
        gradients(other, step + 5)
        q.step()
        seen.extend(p.detach().clone() for p in other)
    return repr(o), seen, saved, q.state_dict(), sorted(o.defaults)
def rates(make, steps=12, lr=0.5, groups=1, **options):
    params = [nn.Parameter(data(2, seed=k)) for k in range(groups)]
    o = torch.optim.SGD([{"params": [p], "lr": lr / (k + 1)} for k, p in enumerate(params)], lr=lr, momentum=0.9)
    s = make(o)
    seen = [s.get_last_lr()]
    for step in range(steps):
        o.step()
        if isinstance(s, torch.optim.lr_scheduler.ReduceLROnPlateau):
            s.step([5., 4., 3., 3., 3., 3., 2., 2., 2., 2., 2.5, 2.6, 1.][step % 13])
        else:
            s.step()
        seen.append((s.get_last_lr(), [g["momentum"] for g in o.param_groups]))
    state = s.state_dict()
    t = make(torch.optim.SGD([{"params": [p], "lr": lr / (k + 1), "initial_lr": lr / (k + 1)} for k, p in enumerate(params)], lr=lr, momentum=0.9))
    t.load_state_dict({k: v for k, v in state.items()})
    return seen, sorted(state), s.last_epoch, t.last_epoch, t.get_last_lr(), [sorted(g) for g in o.param_groups]
"""

BOTH = {"maximize": ["True"], "weight_decay": ["0.1"], "foreach": ["True", "False"]}
MORE = {**BOTH, "differentiable": ["True"], "capturable": ["True"]}
OPTIMIZERS: dict[str, dict[str, list[str]]] = {
    "SGD": {**BOTH, "lr": ["0.5", "0.0", "torch.tensor(0.1)", "-1.0"], "momentum": ["0.9"], "dampening": ["0.3"], "nesterov": ["True"], "fused": ["True"], "differentiable": ["True"]},
    "Adam": {**MORE, "lr": ["0.1", "torch.tensor(0.1)"], "betas": ["(0.5, 0.9)", "(0.0, 0.0)", "(1.0, 0.9)"], "eps": ["0.1"], "amsgrad": ["True"], "fused": ["True"], "decoupled_weight_decay": ["True"]},
    "AdamW": {**MORE, "lr": ["0.1", "torch.tensor(0.1)"], "betas": ["(0.5, 0.9)"], "eps": ["0.1"], "amsgrad": ["True"], "fused": ["True"]},
    "Adamax": {**MORE, "lr": ["0.1", "torch.tensor(0.1)"], "betas": ["(0.5, 0.9)"], "eps": ["0.1"]},
    "NAdam": {**MORE, "lr": ["0.1", "torch.tensor(0.1)"], "betas": ["(0.5, 0.9)"], "eps": ["0.1"], "momentum_decay": ["0.1"], "decoupled_weight_decay": ["True"]},
    "RAdam": {**MORE, "lr": ["0.1", "torch.tensor(0.1)"], "betas": ["(0.5, 0.9)", "(0.5, 0.5)"], "eps": ["0.1"], "decoupled_weight_decay": ["True"]},
    "Adagrad": {**BOTH, "lr": ["0.1", "torch.tensor(0.1)"], "lr_decay": ["0.2"], "initial_accumulator_value": ["0.5"], "eps": ["0.1"], "differentiable": ["True"], "fused": ["True"]},
    "Adadelta": {**MORE, "lr": ["0.1", "torch.tensor(0.1)"], "rho": ["0.5"], "eps": ["0.1"]},
    "RMSprop": {**MORE, "lr": ["0.1", "torch.tensor(0.1)"], "alpha": ["0.5"], "eps": ["0.1"], "momentum": ["0.9"], "centered": ["True"]},
    "Rprop": {"maximize": ["True"], "foreach": ["True"], "differentiable": ["True"], "capturable": ["True"], "lr": ["0.1", "torch.tensor(0.1)"], "etas": ["(0.2, 3.0)"], "step_sizes": ["(1e-3, 0.02)"]},
    "ASGD": {**MORE, "lr": ["0.1", "torch.tensor(0.1)"], "lambd": ["0.1"], "alpha": ["0.3"], "t0": ["2"]},
    "Adafactor": {"maximize": ["True"], "weight_decay": ["0.1"], "foreach": ["True"], "lr": ["0.1", "torch.tensor(0.1)"], "beta2_decay": ["-0.3"], "eps": ["(None, 0.1)", "(1e-4, 0.1)"], "d": ["0.5"]},
    "LBFGS": {"lr": ["0.1", "torch.tensor(0.1)"], "max_iter": ["3"], "max_eval": ["2"], "tolerance_grad": ["10.0"], "tolerance_change": ["10.0"], "history_size": ["2"], "line_search_fn": ["'strong_wolfe'", "'zip'"]},
    "Muon": {"lr": ["0.1", "torch.tensor(0.1)"], "weight_decay": ["0.0"], "momentum": ["0.5"], "nesterov": ["False"], "ns_coefficients": ["(2.0, -1.5, 0.5)"], "eps": ["0.1"], "ns_steps": ["2"], "adjust_lr_fn": ["'match_rms_adamw'", "'original'", "'zip'"]},
    "SparseAdam": {"lr": ["0.1"], "maximize": ["True"]},
}

LBFGS = """
def go(make, dtype="float32", steps=3):
    x = nn.Parameter(data(4, seed=1).to(getattr(torch, dtype)))
    y = nn.Parameter(data(2, 2, seed=2).to(getattr(torch, dtype)))
    o = make([x, y])
    seen = []
    def closure():
        o.zero_grad()
        loss = ((x - 1) ** 2).sum() + (y ** 2 * torch.tensor([[1., 2.], [0.5, 1.5]], dtype=x.dtype)).sum() + (x[:2] * y[0]).sum() / 2
        loss.backward()
        return loss
    for step in range(steps):
        seen.append(o.step(closure))
        seen.extend([x.detach().clone(), y.detach().clone()])
    s = o.state_dict()
    return repr(o), seen, {k: [(n, v if not isinstance(v, (list, tuple)) else len(v)) for n, v in e.items()] for k, e in s["state"].items()}, s["param_groups"], sorted(o.defaults)
"""
MUON = """
def weights(dtype):
    return [nn.Parameter(data(*shape, seed=k).to(getattr(torch, dtype))) for k, shape in enumerate([(3, 4), (5, 2), (1, 3)])]
"""

L = "torch.optim.lr_scheduler."
SCHEDULERS: dict[str, tuple[str, dict[str, list[str]]]] = {
    "LambdaLR": ("lambda k: 0.9 ** k", {"last_epoch": ["3"]}),
    "MultiplicativeLR": ("lambda k: 0.9", {"last_epoch": ["3"]}),
    "StepLR": ("3", {"gamma": ["0.5"], "last_epoch": ["3"]}),
    "MultiStepLR": ("[2, 5, 5]", {"gamma": ["0.5"], "last_epoch": ["3"]}),
    "ConstantLR": ("", {"factor": ["0.5", "2.0"], "total_iters": ["0", "3"], "last_epoch": ["1"]}),
    "LinearLR": ("", {"start_factor": ["0.5", "0.0"], "end_factor": ["0.2", "1.5"], "total_iters": ["3"], "last_epoch": ["1"]}),
    "ExponentialLR": ("0.8", {"last_epoch": ["3"]}),
    "PolynomialLR": ("", {"total_iters": ["8"], "power": ["2.0"], "last_epoch": ["2"]}),
    "CosineAnnealingLR": ("5", {"eta_min": ["0.1"], "last_epoch": ["3"]}),
    "CosineAnnealingWarmRestarts": ("3", {"T_mult": ["2", "0"], "eta_min": ["0.1"], "last_epoch": ["3"]}),
    "CyclicLR": ("0.1, 1.0", {"step_size_up": ["3"], "step_size_down": ["2"], "mode": ["'triangular2'", "'exp_range'", "'zip'"], "gamma": ["0.9"], "scale_fn": ["lambda x: 0.5 ** x"], "scale_mode": ["'iterations'"], "cycle_momentum": ["False"], "base_momentum": ["0.5"], "max_momentum": ["0.7"], "last_epoch": ["2"]}),
    "OneCycleLR": ("1.0", {"total_steps": ["13"], "epochs": ["2"], "steps_per_epoch": ["7"], "pct_start": ["0.5"], "anneal_strategy": ["'linear'", "'zip'"], "cycle_momentum": ["False"], "base_momentum": ["0.5"], "max_momentum": ["0.7"], "div_factor": ["10."], "final_div_factor": ["100."], "three_phase": ["True"], "last_epoch": ["2"]}),
    "ReduceLROnPlateau": ("", {"mode": ["'max'", "'zip'"], "factor": ["0.5", "1.0"], "patience": ["1", "0"], "threshold": ["0.2"], "threshold_mode": ["'abs'"], "cooldown": ["2"], "min_lr": ["0.1", "[0.1, 0.2]"], "eps": ["0.2"]}),
}


def _pairs(options: dict[str, list[str]]) -> list[str]:
    chosen = [""]
    for count in (1, 2):
        for names in combinations(options, count):
            for values in product(*(options[each] for each in names)):
                chosen.append(", ".join(f"{n}={v}" for n, v in zip(names, values, strict=True)))
    return chosen


def unlike(name: str, given: str, dtype: str) -> bool:
    """Where torch rounds a float32 rate between its steps, or refuses in other words."""
    return (("lr=torch" in given or name == "ASGD") and dtype == "float64") or (
        "differentiable" in given and dtype == "complex64")


def optimizer(name: str) -> str:
    """Statements for an optimizer: pairs in float32, single options in more dtypes and in groups."""
    options = OPTIMIZERS[name]
    extra = {"LBFGS": LBFGS, "Muon": MUON}.get(name, "")
    lines = []
    for given in _pairs(options):
        if "foreach=True" in given and "capturable" in given:
            continue  # the list of devices in torch's error is another one
        made = f"lambda p: torch.optim.{name}(p{', ' + given if given else ''})"
        lines.append(f"go({made})")
        if given.count("=") <= 1:
            dtypes = ["float64"] if name in ("LBFGS", "Muon") else ["float64", "complex64", "bfloat16"]
            lines += [f"go({made}, {dtype!r})" for dtype in dtypes if not unlike(name, given, dtype)]
            lines += [] if name == "LBFGS" else [f"go({made}, split=True)"]
    return PREPARE + extra + "\n".join(lines)


def scheduler(name: str) -> str:
    first, options = SCHEDULERS[name]
    lines = []
    for given in _pairs(options):
        arguments = ", ".join(filter(None, ("o", first, given)))
        lines.append(f"rates(lambda o: {L}{name}({arguments}))")
        if given.count("=") <= 1:
            lines.append(f"rates(lambda o: {L}{name}({arguments}), groups=2)")
    return PREPARE + "\n".join(lines)


CASES = {**{name: optimizer(name) for name in OPTIMIZERS},
         **{name: scheduler(name) for name in SCHEDULERS}}
