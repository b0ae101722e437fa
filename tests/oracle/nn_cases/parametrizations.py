"""Programs about parametrized modules, norms of weights, pruning."""

# ruff: noqa: E501 - the programs are text

from __future__ import annotations

CASES = {
    "weight_norm": """
        m = nn.utils.weight_norm(nn.Linear(2, 3))
        m
        list(m.state_dict())
        m.weight_g.shape, m.weight_v.shape
        [n for n, _ in m.named_parameters()]
        torch.allclose(m.weight, m.weight_v * (m.weight_g / m.weight_v.norm(2, 1, True)))
        m(torch.ones(1, 2)).shape
        nn.utils.weight_norm(m)
        nn.utils.weight_norm(m, "bias")
        nn.utils.weight_norm(nn.Linear(2, 2), "nope")
        nn.utils.weight_norm(nn.Linear(2, 3), dim=None).weight_g.shape
        nn.utils.weight_norm(nn.Linear(2, 3), dim=1).weight_g.shape
        nn.utils.weight_norm(nn.Linear(2, 3), dim=-1).weight_g.shape
        nn.utils.weight_norm(nn.Conv2d(2, 3, 2), name="weight", dim=0).weight_g.shape
        nn.utils.remove_weight_norm(m)
        list(m.state_dict())
        nn.utils.remove_weight_norm(m)
        nn.utils.remove_weight_norm(m, "bias")
        w = nn.utils.weight_norm(nn.Linear(2, 2)); w.weight
        pickle.loads(pickle.dumps(w))
        copy.deepcopy(w)
        n = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        n
        list(n.state_dict())
        n(torch.ones(1, 2))
        n.weight
        nn.utils.parametrizations.weight_norm(nn.Linear(2, 3), dim=None)
        nn.utils.parametrizations.weight_norm(nn.Linear(2, 3), "zip")
        n.load_state_dict({"bias": torch.zeros(3), "weight_g": torch.ones(3, 1), "weight_v": torch.ones(3, 2)})
        n.weight
        n.weight = torch.ones(3, 2)
        n.parametrizations.weight.original0
        nn.utils.parametrize.remove_parametrizations(n, "weight")
        n.weight
    """,
    "spectral_norm": """
        _ = torch.manual_seed(3)
        m = nn.utils.spectral_norm(nn.Linear(4, 3))
        m
        list(m.state_dict())
        m.weight_u.shape
        m(torch.ones(1, 4))
        m.weight
        m.eval()(torch.ones(1, 4))
        nn.utils.spectral_norm(m)
        nn.utils.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)
        nn.utils.spectral_norm(nn.Linear(2, 2), "zip")
        nn.utils.spectral_norm(nn.ConvTranspose2d(2, 3, 2)).weight_u.shape
        nn.utils.spectral_norm(nn.Conv2d(2, 3, 2), dim=1).weight_u.shape
        nn.utils.remove_spectral_norm(m)
        m.weight
        nn.utils.remove_spectral_norm(m)
        m.state_dict()._metadata
        _ = torch.manual_seed(3)
        p = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3), n_power_iterations=2, eps=1e-6)
        p
        list(p.state_dict())
        p.weight
        p.eval().weight
        p(torch.ones(1, 4)).sum().backward()
        p.parametrizations.weight.original.grad
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), "zip")
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), "bias").bias
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), dim=5)
        _ = torch.manual_seed(3)
        o = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3))
        o
        torch.allclose(o.weight @ o.weight.t(), torch.eye(3), atol=1e-5)
        o.weight
        nn.utils.parametrizations.orthogonal(nn.Linear(4, 2), orthogonal_map="cayley").weight
        nn.utils.parametrizations.orthogonal(nn.Linear(4, 2), orthogonal_map="householder").weight
        nn.utils.parametrizations.orthogonal(nn.Linear(4, 2), orthogonal_map="matrix_exp", use_trivialization=False).weight
        nn.utils.parametrizations.orthogonal(nn.Linear(4, 2), orthogonal_map="zip")
        nn.utils.parametrizations.orthogonal(nn.Linear(4, 2), "bias")
        nn.utils.parametrizations.orthogonal(nn.Linear(4, 2), "zip")
        o.weight = torch.eye(3)
        o.weight
        o.weight = torch.ones(3, 3)
    """,
    "parametrize": """
        P = nn.utils.parametrize
        class Sym(nn.Module):
            def forward(self, x):
                return x.triu() + x.triu(1).transpose(-1, -2)
            def right_inverse(self, a):
                return a.triu()
        class Plus(nn.Module):
            def forward(self, x):
                return x + 1
        class Two(nn.Module):
            def forward(self, a, b):
                return a + b
            def right_inverse(self, w):
                return w / 2, w / 2
        class Shape(nn.Module):
            def forward(self, x):
                return x[:1]
        class Type(nn.Module):
            def forward(self, x):
                return x.double()
        l = nn.Linear(2, 2)
        P.register_parametrization(l, "weight", Sym())
        l
        type(l).__name__, type(l).__mro__[1].__name__, type(l).__module__.split(".")[-1]
        isinstance(l, nn.Linear)
        list(l.state_dict())
        l.weight
        P.is_parametrized(l), P.is_parametrized(l, "weight"), P.is_parametrized(l, "bias"), P.is_parametrized(nn.ReLU())
        l.parametrizations
        l.parametrizations.weight
        l.parametrizations.weight[0]
        l.parametrizations.weight.original
        P.register_parametrization(l, "weight", Plus())
        l.weight
        l.weight = torch.ones(2, 2)
        len(l.parametrizations.weight)
        P.register_parametrization(l, "weight", Shape())
        P.register_parametrization(l, "weight", Shape(), unsafe=True)
        l.weight.shape
        P.register_parametrization(l, "bias", Type())
        P.register_parametrization(l, "zip", Sym())
        P.register_parametrization(l, "bias", 3)
        P.register_parametrization(l, "bias", Two())
        l.bias
        l.parametrizations.bias.original0, l.parametrizations.bias.original1
        l.bias = torch.ones(2)
        l.parametrizations.bias.original0
        P.remove_parametrizations(l, "bias", leave_parametrized=False)
        P.remove_parametrizations(l, "bias")
        l.bias
        P.remove_parametrizations(l, "zip")
        l
        m = nn.Linear(3, 3)
        P.register_parametrization(m, "weight", Sym())
        with P.cached():
            m.weight is m.weight
        m.weight is m.weight
        P.remove_parametrizations(m, "weight", leave_parametrized=False)
        m
        type(m).__name__, [n for n, _ in m.named_parameters()]
        n = nn.Linear(3, 3)
        P.register_parametrization(n, "weight", Sym())
        copy.deepcopy(n).weight.shape
        pickle.dumps(n)
        n.load_state_dict({"weight": torch.ones(3, 3), "bias": torch.zeros(3)})
        t = nn.Linear(3, 3)
        P.transfer_parametrizations_and_params(n, t)
        torch.equal(t.weight, n.weight)
        P.type_before_parametrizations(n).__name__
        b = nn.BatchNorm1d(2)
        P.register_parametrization(b, "running_mean", Plus())
        b.running_mean
        [k for k, _ in b.named_buffers()]
        P.ParametrizationList([Sym()], nn.Parameter(torch.ones(2, 2)))
        P.ParametrizationList([], nn.Parameter(torch.ones(2, 2)))
        d = nn.Linear(2, 2, dtype=torch.float64)
        P.register_parametrization(d, "weight", Sym()); d.weight.dtype
        del d.weight
        n.double().weight.dtype
        n(torch.ones(1, 3, dtype=torch.float64)).shape
        n.zero_grad(); n.eval().training, n.parametrizations.weight.training
        nn.Sequential(n)
    """,
    "prune": """
        pr = nn.utils.prune
        def layer():
            l = nn.Linear(3, 2)
            with torch.no_grad():
                l.weight.copy_(torch.tensor([[1., -2., 3.], [-4., 5., -6.]])); l.bias.copy_(torch.tensor([1., 2.]))
            return l
        l = layer()
        pr.l1_unstructured(l, "weight", 2) is l
        l
        list(l.state_dict())
        l.weight, l.weight_mask, l.weight_orig
        pr.is_pruned(l), pr.is_pruned(layer())
        pr.l1_unstructured(l, "weight", 0.5)
        l.weight
        [type(h).__name__ for h in l._forward_pre_hooks.values()]
        pr.remove(l, "weight")
        l.weight
        pr.remove(l, "weight")
        list(l.state_dict())
        l = layer(); pr.l1_unstructured(l, "weight", 0.5, importance_scores=torch.tensor([[6., 5., 4.], [3., 2., 1.]])); l.weight
        l = layer(); pr.l1_unstructured(l, name="weight", amount=0); l.weight
        pr.l1_unstructured(layer(), "weight", 7)
        pr.l1_unstructured(layer(), "weight", 1.5)
        pr.l1_unstructured(layer(), "weight", -1)
        pr.l1_unstructured(layer(), "weight", "a")
        pr.l1_unstructured(layer(), "zip", 1)
        pr.l1_unstructured(layer(), "weight", 1, importance_scores=torch.ones(3))
        l = layer(); pr.ln_structured(l, "weight", 1, n=2, dim=0); l.weight
        l = layer(); pr.ln_structured(l, "weight", 0.4, n=float("inf"), dim=1); l.weight
        l = layer(); pr.ln_structured(l, "weight", 1, n=1, dim=-1); l.weight
        pr.ln_structured(layer(), "weight", 5, n=2, dim=0)
        pr.ln_structured(layer(), "weight", 1, n=2, dim=7)
        pr.ln_structured(layer(), "bias", 1, n=2, dim=0)
        _ = torch.manual_seed(1); l = layer(); pr.random_unstructured(l, "weight", 3); l.weight
        _ = torch.manual_seed(1); l = layer(); pr.random_structured(l, "weight", 1, dim=1); l.weight
        pr.random_structured(layer(), "weight", 9, dim=1)
        l = layer(); pr.custom_from_mask(l, "weight", torch.tensor([[1, 0, 1], [0, 1, 0]])); l.weight
        pr.custom_from_mask(layer(), "weight", torch.ones(3))
        pr.identity(layer(), "bias").bias_mask
        a, b = layer(), layer()
        pr.global_unstructured([(a, "weight"), (b, "weight")], pruning_method=pr.L1Unstructured, amount=0.5)
        a.weight, b.weight
        pr.global_unstructured([(layer(), "weight")], pr.RandomStructured, amount=1)
        pr.global_unstructured(3, pr.L1Unstructured, amount=1)
        pr.global_unstructured([(layer(), "weight")], pr.L1Unstructured, amount=99)
        c = layer(); pr.global_unstructured([(c, "weight"), (c, "bias")], pr.L1Unstructured, importance_scores={(c, "bias"): torch.tensor([0., 0.1])}, amount=2); c.bias
        pr.global_unstructured([(layer(), "weight")], pr.L1Unstructured, importance_scores=3, amount=2)
        class Mine(pr.BasePruningMethod):
            PRUNING_TYPE = "unstructured"
            def compute_mask(self, t, default_mask):
                mask = default_mask.clone(); mask.view(-1)[::2] = 0
                return mask
        d = layer(); Mine.apply(d, "weight"); d.weight
        pr.l1_unstructured(d, "weight", 1); d.weight
        [type(h).__name__ for h in d._forward_pre_hooks.values()]
        list(d._forward_pre_hooks.values())[0].__len__()
        pr.BasePruningMethod()
        pr.L1Unstructured(2).prune(torch.tensor([3., 1., 2.]))
        pr.LnStructured(1, 2, 0).prune(torch.tensor([[3., 1.], [2., 0.]]))
        pr.L1Unstructured(1).compute_mask(torch.tensor([3., 1.]), torch.ones(2))
        pr.Identity().prune(torch.ones(2))
        pr.PruningContainer()
        pr.PruningContainer(pr.L1Unstructured(1))
        pr.CustomFromMask(torch.ones(2)).mask
        e = pr.l1_unstructured(layer(), "weight", 2); e(torch.ones(1, 3)).sum().backward(); e.weight_orig.grad
        copy.deepcopy(e).weight_mask
        pickle.loads(pickle.dumps(e)).weight_mask
        s = nn.Sequential(e); pr.is_pruned(s), s.state_dict()
        pr.is_pruned(3)
    """,
}
