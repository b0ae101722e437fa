"""`swa_utils`: averages of models, and what their batch norms see, as programs."""

from __future__ import annotations

PREPARE = """
U = torch.optim.swa_utils
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
def moved(make, steps=4, **k):
    m = net(); a = make(m)
    for i in range(steps):
        with torch.no_grad():
            for p in m.parameters():
                p.add_(i + 1.0)
        m(data(6, 3, seed=i))
        a.update_parameters(m)
    return a
"""

AVERAGES = """
moved(lambda m: U.AveragedModel(m)).state_dict()
moved(lambda m: U.AveragedModel(m, use_buffers=True)).state_dict()
moved(lambda m: U.AveragedModel(m, multi_avg_fn=U.get_ema_multi_avg_fn(0.9))).state_dict()
moved(lambda m: U.AveragedModel(m, avg_fn=U.get_ema_avg_fn(0.9))).state_dict()
moved(lambda m: U.AveragedModel(m, multi_avg_fn=U.get_swa_multi_avg_fn())).state_dict()
moved(lambda m: U.AveragedModel(m, avg_fn=U.get_swa_avg_fn())).state_dict()
moved(lambda m: U.AveragedModel(m, avg_fn=lambda a, p, n: 0.5 * a + 0.5 * p,
    use_buffers=True)).state_dict()
moved(lambda m: U.AveragedModel(m, multi_avg_fn=U.get_ema_multi_avg_fn(0.9),
    use_buffers=True)).state_dict()
U.AveragedModel(net(), avg_fn=U.get_ema_avg_fn(), multi_avg_fn=U.get_ema_multi_avg_fn())
U.AveragedModel(net(), torch.device("cpu")).n_averaged
U.AveragedModel(net(), "cpu")
a = moved(lambda m: U.AveragedModel(m))
a.n_averaged
a.module[0].weight
a.eval()(data(5, 3))
b = U.AveragedModel(net()); b.load_state_dict(a.state_dict())
b.n_averaged
c = copy.deepcopy(a); c.n_averaged
U.get_ema_avg_fn(1.5)
U.get_ema_multi_avg_fn(-0.5)
U.get_ema_avg_fn()(torch.ones(2), torch.zeros(2), 3)
U.get_swa_avg_fn()(torch.ones(2), torch.zeros(2), 3)
U.get_swa_avg_fn()(torch.ones(2), torch.zeros(2), torch.tensor(3))
x, y = [torch.ones(2)], [torch.zeros(2)]
U.get_swa_multi_avg_fn()(x, y, 3), U.get_ema_multi_avg_fn(0.5)(x, y, torch.tensor(3))
x, y
[p.requires_grad for p in a.parameters()]
"""

UPDATE_BN = """
batches = [data(6, 3, seed=k) for k in range(3)]
m = net(); U.update_bn(batches, m); m.state_dict()
m.training, m[1].momentum
m = net().eval(); U.update_bn([(b, 0) for b in batches], m); m.state_dict()
m.training
m = net(); U.update_bn([[b] for b in batches], m, "cpu"); m.state_dict()
U.update_bn(iter(batches), net())
m = nn.Linear(3, 2); U.update_bn(batches, m)
m = net(); m[1].momentum = None; U.update_bn(batches, m); m[1].momentum
m = net(); U.update_bn([{"x": batches[0]}], m)
m = net(); U.update_bn([], m); m[1].running_mean, m[1].num_batches_tracked
a = U.AveragedModel(net()); U.update_bn(batches, a); a.module[1].running_mean
"""

PROGRAMS = {"averages": PREPARE + AVERAGES, "update_bn": PREPARE + UPDATE_BN}
