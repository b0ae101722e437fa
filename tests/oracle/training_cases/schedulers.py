"""Schedulers of learning rates, alone and combined: sequences, states, errors, as programs."""

from __future__ import annotations

PREPARE = """
S = torch.optim.lr_scheduler
def sgd(*rates, **k):
    rates = rates or (1.0,)
    return torch.optim.SGD([{"params": [nn.Parameter(data(2))], "lr": r} for r in rates], lr=0.1,
        **k)
def run(make, steps=12, rates=(1.0, 0.2), **k):
    o = sgd(*rates, **k)
    s = make(o)
    found = []
    for _ in range(steps):
        found.append([float(g["lr"]) for g in o.param_groups])
        o.step(); s.step()
    return found, list(map(float, s.get_last_lr())), s.last_epoch, s._step_count
def resumed(make, at=5, rates=(1.0, 0.2)):
    o = sgd(*rates); s = make(o)
    for _ in range(at):
        o.step(); s.step()
    state, held = copy.deepcopy(s.state_dict()), copy.deepcopy(o.state_dict())
    p = sgd(*rates); t = make(p)
    p.load_state_dict(held); t.load_state_dict(copy.deepcopy(state))
    found = []
    for _ in range(6):
        p.step(); t.step()
        found.append([float(g["lr"]) for g in p.param_groups])
    return found, {k: v for k, v in state.items() if not k.startswith("_schedulers")}
"""

MADE = {
    "LambdaLR": ("lambda o: S.LambdaLR(o, lambda e: 0.9 ** e)",
                 "lambda o: S.LambdaLR(o, [lambda e: 0.9 ** e, lambda e: 1 / (e + 1)])"),
    "MultiplicativeLR": ("lambda o: S.MultiplicativeLR(o, lambda e: 0.9)",
                         "lambda o: S.MultiplicativeLR(o, [lambda e: 0.9, lambda e: 1 / (e + 1)])"),
    "StepLR": ("lambda o: S.StepLR(o, 3)", "lambda o: S.StepLR(o, 2, gamma=0.5)"),
    "MultiStepLR": ("lambda o: S.MultiStepLR(o, [2, 5, 5, 9])",
                    "lambda o: S.MultiStepLR(o, [0, 1])",
                    "lambda o: S.MultiStepLR(o, [3], gamma=0.5)"),
    "ConstantLR": ("lambda o: S.ConstantLR(o)", "lambda o: S.ConstantLR(o, 0.5, 3)",
                   "lambda o: S.ConstantLR(o, 0.5, 0)"),
    "LinearLR": ("lambda o: S.LinearLR(o)", "lambda o: S.LinearLR(o, 0.1, 0.9, 4)",
                 "lambda o: S.LinearLR(o, 1.0, 0.0, 7)"),
    "ExponentialLR": ("lambda o: S.ExponentialLR(o, 0.8)",),
    "PolynomialLR": ("lambda o: S.PolynomialLR(o)", "lambda o: S.PolynomialLR(o, 8, 2.0)"),
    "CosineAnnealingLR": ("lambda o: S.CosineAnnealingLR(o, 4)",
                          "lambda o: S.CosineAnnealingLR(o, 7, eta_min=0.05)"),
    "CosineAnnealingWarmRestarts": ("lambda o: S.CosineAnnealingWarmRestarts(o, 3)",
                                    "lambda o: S.CosineAnnealingWarmRestarts(o, 2, 2, 0.01)"),
    "OneCycleLR": ("lambda o: S.OneCycleLR(o, 2.0, total_steps=14, cycle_momentum=False)",
                   "lambda o: S.OneCycleLR(o, [2.0, 1.0], epochs=4, steps_per_epoch=5,"
                   " pct_start=0.4, anneal_strategy='linear', cycle_momentum=False,"
                   " three_phase=True)"),
    "CyclicLR": ("lambda o: S.CyclicLR(o, 0.1, 1.0, 3, cycle_momentum=False)",
                 "lambda o: S.CyclicLR(o, [0.1, 0.2], [1.0, 2.0], 2, 4, mode='triangular2',"
                 " cycle_momentum=False)",
                 "lambda o: S.CyclicLR(o, 0.1, 1.0, 3, mode='exp_range', gamma=0.9,"
                 " cycle_momentum=False)",
                 "lambda o: S.CyclicLR(o, 0.1, 1.0, 3, scale_fn=lambda x: 0.9 ** x,"
                 " scale_mode='iterations', cycle_momentum=False)"),
    "SequentialLR": ("lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1.0, 3),"
                     " S.ExponentialLR(o, 0.9)], [3])",
                     "lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 2), S.StepLR(o, 2),"
                     " S.CosineAnnealingLR(o, 5)], [2, 6])",
                     "lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1.0, 3),"
                     " S.CosineAnnealingWarmRestarts(o, 3)], [4])"),
    "ChainedScheduler": ("lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.1, 2),"
                         " S.ExponentialLR(o, 0.9)])",
                         "lambda o: S.ChainedScheduler([S.StepLR(o, 2), S.LinearLR(o)], o)"),
    "nested": ("lambda o: S.SequentialLR(o, [S.ChainedScheduler([S.ConstantLR(o, 0.1, 2),"
               " S.ExponentialLR(o, 0.9)]), S.StepLR(o, 2)], [4])",),
    "SWALR": ("lambda o: torch.optim.swa_utils.SWALR(o, 0.05)",
              "lambda o: torch.optim.swa_utils.SWALR(o, [0.05, 0.5], 4, 'linear')",
              "lambda o: torch.optim.swa_utils.SWALR(o, 0.05, anneal_epochs=0)"),
}

PLATEAU = """
def plateau(values, momentum=0, **k):
    o = sgd(1.0, 0.2)
    s = S.ReduceLROnPlateau(o, **k)
    found = []
    for v in values:
        o.step(); s.step(v)
        found.append((s.get_last_lr(), s.num_bad_epochs, s.cooldown_counter, float(s.best),
            s.last_epoch))
    return found, s.state_dict()
values = [1.0, 0.9, 0.9, 0.95, 0.91, 0.8, 0.8, 0.8, 0.8, 0.79, 0.81]
plateau(values, patience=1)
plateau(values, patience=1, cooldown=2, factor=0.5)
plateau(values, mode="max", patience=0)
plateau(values, threshold=0.2, threshold_mode="abs", patience=1)
plateau(values, mode="max", threshold_mode="abs", patience=1)
plateau(values, min_lr=0.15, patience=0)
plateau(values, min_lr=[0.15, 0.01], patience=0)
plateau(values, min_lr=[0.15], patience=0)
plateau(values, eps=0.5, patience=0)
plateau([torch.tensor(v) for v in values], patience=0)[0]
plateau([float("nan")] * 4, patience=0)
plateau(values, factor=1.5)
plateau(values, mode="x")
plateau(values, threshold_mode="x")
o = sgd()
S.ReduceLROnPlateau(3)
s = S.ReduceLROnPlateau(o, patience=0)
s.get_last_lr()
s.step()
s.step(1.0); s.step(1.0); s.step(1.0)
s.state_dict()
t = S.ReduceLROnPlateau(sgd(), patience=5)
t.load_state_dict(s.state_dict())
t.patience, t.best, t.num_bad_epochs
s.is_better(0.5, 1.0), s.in_cooldown
s.step(1.0, 7)
s.last_epoch
t.state_dict() == s.state_dict()
pickle.loads(pickle.dumps(s)).state_dict()
S.SequentialLR(o, [S.StepLR(o, 2), S.ReduceLROnPlateau(o)], [3])
S.ChainedScheduler([S.StepLR(o, 2), S.ReduceLROnPlateau(o)])
"""

ERRORS = """
o = sgd(1.0, 0.2)
S.StepLR(3, 2)
S.StepLR(o)
S.StepLR(o, 2, last_epoch=3)
S.LambdaLR(o, [lambda e: 1.0])
S.MultiplicativeLR(o, [lambda e: 1.0])
S.ConstantLR(o, 2.0)
S.ConstantLR(o, -1)
S.LinearLR(o, 0.0)
S.LinearLR(o, 2.0)
S.LinearLR(o, 0.5, 2.0)
S.CosineAnnealingWarmRestarts(o, 0)
S.CosineAnnealingWarmRestarts(o, 2, 0)
S.CosineAnnealingWarmRestarts(o, 2.5)
S.CosineAnnealingWarmRestarts(o, 2).step(-1)
S.OneCycleLR(o, 1.0)
S.OneCycleLR(o, 1.0, total_steps=-1)
S.OneCycleLR(o, 1.0, total_steps=1.5)
S.OneCycleLR(o, 1.0, epochs=2)
S.OneCycleLR(o, 1.0, epochs=0, steps_per_epoch=2)
S.OneCycleLR(o, 1.0, epochs=2, steps_per_epoch=-2)
S.OneCycleLR(o, 1.0, total_steps=5, pct_start=2)
S.OneCycleLR(o, 1.0, total_steps=5, anneal_strategy="x")
S.OneCycleLR(o, [1.0], total_steps=5, cycle_momentum=False)
S.OneCycleLR(torch.optim.Rprop([nn.Parameter(data(2))]), 1.0, total_steps=5)
S.CyclicLR(torch.optim.Rprop([nn.Parameter(data(2))]), 0.1, 1.0)
S.CyclicLR(o, 0.1, 1.0, mode="x")
S.CyclicLR(o, [0.1], 1.0)
S.CyclicLR(3, 0.1, 1.0)
s = S.OneCycleLR(sgd(), 1.0, total_steps=3, cycle_momentum=False)
[s.step() for _ in range(3)]
s.step()
S.SequentialLR(o, [], [])
S.SequentialLR(o, [S.StepLR(o, 2)], [3])
S.SequentialLR(o, [S.StepLR(o, 2), S.StepLR(sgd(), 2)], [3])
S.SequentialLR(o, [S.StepLR(o, 2), 3], [3])
S.ChainedScheduler([])
S.ChainedScheduler([S.StepLR(o, 2), S.StepLR(sgd(), 2)])
S.ChainedScheduler([S.StepLR(o, 2)], sgd())
torch.optim.swa_utils.SWALR(o, 0.1, 1, "x")
torch.optim.swa_utils.SWALR(o, 0.1, -1)
torch.optim.swa_utils.SWALR(o, [0.1])
S.MultiStepLR(o, 3)
S.LRScheduler(o)
S.LRScheduler(o).step()
def warned(f):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f()
    return [(c.category.__name__, str(c.message)[:50]) for c in caught]
warned(lambda: S.StepLR(sgd(), 1).step())
warned(lambda: S.StepLR(sgd(), 1).get_lr())
def order():
    o = sgd(); s = S.StepLR(o, 1); s.step(); o.step(); s.step()
warned(order)
def epoch():
    o = sgd(); s = S.StepLR(o, 1); o.step(); s.step(3); return s.get_last_lr()
warned(epoch)
epoch()
def epoch2():
    o = sgd(); s = S.ExponentialLR(o,
        0.9); o.step(); s.step(3); return s.get_last_lr(), s.last_epoch
epoch2()
def patched():
    o = sgd(); s = S.StepLR(o, 1); o.step = lambda: None; o.step(); s.step()
warned(patched)
"""

MOMENTUM = """
def cycled(make, optimizer="SGD", **k):
    o = getattr(torch.optim, optimizer)([nn.Parameter(data(2))], lr=0.1, **k)
    s = make(o)
    found = []
    for _ in range(9):
        g = o.param_groups[0]
        found.append((float(g["lr"]), g.get("momentum"), g.get("betas"), g.get("base_momentum"),
            g.get("max_momentum")))
        o.step(); s.step()
    return found
cycled(lambda o: S.OneCycleLR(o, 1.0, total_steps=10), momentum=0.9)
cycled(lambda o: S.OneCycleLR(o, 1.0, total_steps=10, base_momentum=0.5, max_momentum=0.8), "Adam")
cycled(lambda o: S.CyclicLR(o, 0.01, 1.0, 3), momentum=0.9)
cycled(lambda o: S.CyclicLR(o, 0.01, 1.0, 3), "Adam")
cycled(lambda o: S.CyclicLR(o, 0.01, 1.0, 3), "SGD")
o = sgd(0.5)
S.OneCycleLR(o, 1.0, total_steps=10)
sorted(o.param_groups[0])
o = sgd(1.0); s = S.StepLR(o, 2)
sorted(o.param_groups[0]), o.param_groups[0]["initial_lr"]
t = S.StepLR(o, 2, last_epoch=4)
t.last_epoch, o.param_groups[0]["lr"]
t = S.StepLR(o, 2, last_epoch=3), S.MultiStepLR(o, [4], last_epoch=3), S.ExponentialLR(o, 0.9,
    last_epoch=3)
t[0].last_epoch, o.param_groups[0]["lr"]
[t.get_lr() for t in (S.StepLR(sgd(), 1), S.MultiStepLR(sgd(), [0, 1]))]
s.state_dict()
vars(s).keys() - {"optimizer"}
o = torch.optim.SGD([nn.Parameter(data(2))], lr=torch.tensor(0.5))
s = S.ExponentialLR(o, 0.9)
o.step(); s.step()
o.param_groups[0]["lr"], s.get_last_lr()
o.add_param_group({"params": [nn.Parameter(data(2))], "lr": 3.0})
o.step(); s.step()
S.LambdaLR(sgd(), lambda e: 1.0).state_dict()
class Factor:
    def __init__(self): self.k = 3
    def __call__(self, e): return self.k ** -e
s = S.LambdaLR(sgd(), Factor()); s.state_dict()
s.load_state_dict({**s.state_dict(), "lr_lambdas": [{"k": 5}]}); s.lr_lambdas[0].k
s = S.SequentialLR(o, [S.StepLR(o, 2), S.ExponentialLR(o, 0.5)], [3]) if False else None
o = sgd(); s = S.SequentialLR(o, [S.StepLR(o, 2), S.ExponentialLR(o, 0.5)], [3]); s.state_dict()
o = sgd(); s = S.ChainedScheduler([S.StepLR(o, 2), S.ExponentialLR(o, 0.5)]); s.state_dict()
"""

PROGRAMS = {name: PREPARE + "\n".join(f"run({make})\nresumed({make})" for make in makes)
            for name, makes in MADE.items()}
PROGRAMS |= {"plateau": PREPARE + PLATEAU, "errors": PREPARE + ERRORS,
             "momentum": PREPARE + MOMENTUM}
