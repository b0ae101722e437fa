"""Random numbers: equal seeds give torch's, to the bit; generators; gradients; errors."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.nn import functional as F

SEEDS = (0, 1234567)

# What torch 2.13 draws on an x86-64 CPU: the digests of the bytes, for each seed.
CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "rand(3)": (lambda: rl.rand(3), "d32fe0dcfb28 f69b86decb26"),
    "rand(100)": (lambda: rl.rand(100), "e0ddbc32481b f8dc2314a9ef"),
    "rand float64": (lambda: rl.rand(20, dtype=rl.float64), "7f18cff8c4c4 7cc2ee62b5f7"),
    "rand bfloat16": (lambda: rl.rand(50, dtype=rl.bfloat16), "2e543ccb8cc5 f1667bd105ab"),
    "rand float16": (lambda: rl.rand(50, dtype=rl.float16), "1140c5087508 298f2b52b5c0"),
    "rand complex64": (lambda: rl.rand(9, dtype=rl.complex64), "ec5342f7f15d ba999ab96eea"),
    "rand big": (lambda: rl.rand(100_000), "9417b83a111e c901f1fafc6f"),
    "randn(3)": (lambda: rl.randn(3), "0e26b001c26c 6cc6361870bd"),
    "randn(15) twice": (lambda: rl.cat([rl.randn(15), rl.randn(15)]), "0fa295cfcb57 7a4072a6f0b0"),
    "randn(16)": (lambda: rl.randn(16), "0308ca9c5097 d27f45230d3c"),
    "randn(17)": (lambda: rl.randn(17), "2f0390d47ab3 f03182f27adc"),
    "randn float64": (lambda: rl.randn(100, dtype=rl.float64), "f7d51c1df687 433e6508411e"),
    "randn bfloat16": (lambda: rl.randn(100, dtype=rl.bfloat16), "430c600afc93 adfdacfa5bd7"),
    "randn float16": (lambda: rl.randn(5, 7, dtype=rl.float16), "1d028cb2f46a 55421ac5fb5c"),
    "randn complex128": (lambda: rl.randn(20, dtype=rl.complex128), "40c00ffc7820 fb89b95b9489"),
    "randn big": (lambda: rl.randn(100_001), "e44964b6b2e7 34c3748359a5"),
    "randint(10)": (lambda: rl.randint(10, (50,)), "c96334179995 de246328b18c"),
    "randint long": (lambda: rl.randint(-5, 2**40, (50,)), "464b2bda14b4 79c741b10cd4"),
    "randint at the limit": (lambda: rl.randint(2**28, (50,)), "4af0008f90e4 82996546b44e"),
    "randint below the limit": (lambda: rl.randint(2**28 - 1, (50,)), "bf8e8866a059 a7f7f1e877a0"),
    "randint uint8": (lambda: rl.randint(0, 200, (50,), dtype=rl.uint8),
        "c6c4bbb57041 2331a392a98d"),
    "randint float32": (lambda: rl.randint(-2**24, 2**24, (50,), dtype=rl.float32),
        "1c6935c9d2e2 6a36bcfe975c"),
    "randperm(10)": (lambda: rl.randperm(10), "4be304bedf66 a2418efa7d4b"),
    "randperm(1000)": (lambda: rl.randperm(1000), "989146138593 898adf0b3fcd"),
    "randperm int32": (lambda: rl.randperm(30, dtype=rl.int32), "0952d4b8ca32 5b07d9a1408e"),
    "rand_like": (lambda: rl.rand_like(rl.ones(3, 4)), "fe02ba72b41b 7310b53b69b3"),
    "randn_like transposed": (lambda: rl.randn_like(rl.ones(5, 6).t()),
        "32d8cb232fa3 95a5a19b1c05"),
    "randint_like": (lambda: rl.randint_like(rl.ones(3, 4), 2, 9), "3f5a0cc11376 f4b69f700c9b"),
    "normal sizes": (lambda: rl.normal(2.0, 3.0, (40,)), "9797161bb6a8 e7a87f9f2d0d"),
    "normal tensors": (lambda: rl.normal(rl.arange(20.0), rl.full((20,), 0.3)),
        "0e39af368742 8595b82c2a58"),
    "normal broadcast": (lambda: rl.normal(rl.arange(4.0).view(4, 1), rl.arange(5.0)),
        "489d5b28854e 100cd81426fa"),
    "bernoulli": (lambda: rl.bernoulli(rl.full((100,), 0.3)), "23bca93552ee 04944a821eb9"),
    "bernoulli float64": (lambda: rl.bernoulli(rl.full((100,), 0.3, dtype=rl.float64)),
        "0cdcaa092e4f 95511027aaed"),
    "bernoulli number": (lambda: rl.bernoulli(rl.ones(100), 0.3), "269117f3964c 88031c304d3b"),
    "multinomial": (lambda: rl.multinomial(rl.arange(1.0, 21.0), 8), "79d5270e971d f779dede273e"),
    "multinomial one": (lambda: rl.multinomial(rl.arange(1.0, 21.0).view(4, 5), 1),
        "54f06ba607c2 738fc4a03911"),
    "multinomial replacement": (lambda: rl.multinomial(rl.arange(1.0, 21.0).view(4, 5), 30, True),
        "295b32ec129f 5c9fe9af66a0"),
    "poisson": (lambda: rl.poisson(rl.arange(40.0)), "354db9c0be74 7bc14bcc7aca"),
    "uniform_": (lambda: rl.empty(40).uniform_(-1.0, 2.0), "44f044be4df5 3c70475b28b6"),
    "uniform_ float64": (lambda: rl.empty(40, dtype=rl.float64).uniform_(0.1, 0.7),
        "8f5661f0b614 f9a7b650e80e"),
    "uniform_ float16": (lambda: rl.empty(4000, dtype=rl.float16).uniform_(0, 3),
        "c4a86310a8c4 44d10adf2850"),
    "uniform_ transposed": (lambda: rl.empty(4, 5).t().uniform_(), "9269b1a9ce32 6c08ce05894f"),
    "normal_": (lambda: rl.empty(40).normal_(2.0, 3.0), "9797161bb6a8 e7a87f9f2d0d"),
    "normal_ strided": (lambda: rl.zeros(40)[::2].normal_(2.0, 3.0), "616ec9dac6e1 9d3eca9fb03c"),
    "bernoulli_": (lambda: rl.empty(100).bernoulli_(0.3), "269117f3964c 88031c304d3b"),
    "bernoulli_ bool": (lambda: rl.empty(100, dtype=rl.bool).bernoulli_(0.3),
        "c4eb74c98101 ef72b632e372"),
    "bernoulli_ tensor": (lambda: rl.empty(100, dtype=rl.int64).bernoulli_(rl.arange(100.0) / 128),
        "92f3ac0477b3 fc339ed14419"),
    "random_": (lambda: rl.empty(50).random_(), "d0dec3240241 0f83c729acba"),
    "random_ int64": (lambda: rl.empty(50, dtype=rl.int64).random_(), "dbe050d3543c d782f9a16b72"),
    "random_ int8": (lambda: rl.empty(50, dtype=rl.int8).random_(), "f3e6adc42f0d 8ebf2005e9b0"),
    "random_ to": (lambda: rl.empty(50, dtype=rl.int64).random_(100), "2a81015d6d13 71abbd57b3be"),
    "random_ from": (lambda: rl.empty(50, dtype=rl.int64).random_(-7, None),
        "a0b6630a662a fa329b151180"),
    "random_ all": (lambda: rl.empty(50, dtype=rl.int64).random_(-2**63, None),
        "27a1a685c94e 5be8da3ea168"),
    "random_ bfloat16": (lambda: rl.empty(50, dtype=rl.bfloat16).random_(-300, 301),
        "ee248d3a03ac bf8ca789ac57"),
    "exponential_": (lambda: rl.empty(50).exponential_(0.3), "01207186e33c b016a58f8a66"),
    "exponential_ float64": (lambda: rl.empty(50, dtype=rl.float64).exponential_(0.3),
        "a9941cf136e4 e51c9f5f000c"),
    "geometric_": (lambda: rl.empty(50).geometric_(0.3), "dea43075b6e8 297ed1bb19e4"),
    "geometric_ int64": (lambda: rl.empty(50, dtype=rl.int64).geometric_(0.3),
        "2f15d5080eda 02f32204cf2d"),
    "cauchy_": (lambda: rl.empty(50).cauchy_(1, 2), "da00a6d3cceb 71ed8ba32955"),
    "cauchy_ float64": (lambda: rl.empty(50, dtype=rl.float64).cauchy_(1, 2),
        "fe0c7d2b78db 0d64d130ee2a"),
    "log_normal_": (lambda: rl.empty(51).log_normal_(), "c54030a264c1 3e53a88b526a"),
    "log_normal_ float64": (lambda: rl.empty(50, dtype=rl.float64).log_normal_(0.1, 0.7),
        "c6383aade521 37d1bf1867b6"),
    "dropout": (lambda: F.dropout(rl.ones(100), 0.4), "4e1fe514e316 26b0d22d6b21"),
    "dropout float64": (lambda: F.dropout(rl.ones(100, dtype=rl.float64), 0.3),
        "35ea3422e7d2 77377acf3855"),
    "dropout1d": (lambda: F.dropout1d(rl.ones(4, 5, 3)), "4ada168f3714 ec6d7ae28e4b"),
    "dropout2d": (lambda: F.dropout2d(rl.ones(4, 5, 2, 2), 0.2), "f52e428454b4 05c0857e8cd8"),
    "dropout3d": (lambda: F.dropout3d(rl.ones(5, 2, 2, 2), 0.2), "636215b26639 4487a7fceca8"),
    "alpha_dropout": (lambda: F.alpha_dropout(rl.arange(50.0), 0.4, True),
        "8ea026c5f4e9 9f8294652267"),
    "feature_alpha_dropout": (lambda: F.feature_alpha_dropout(rl.ones(4, 5, 3), 0.4, True),
        "383b0899ce8f dd09a8d0d764"),
    "one after another": (lambda: rl.cat([rl.rand(3), rl.randn(4), rl.randperm(5).float()]),
        "108d832d0872 8e9a3170e770"),
}


def digest(tensor: Any) -> str:
    array = np.ascontiguousarray(tensor.numpy())
    return blake2b(array.tobytes(), digest_size=6).hexdigest()


@pytest.mark.filterwarnings("ignore:from is out of bounds", "ignore:to - 1 is out of bounds")
@pytest.mark.parametrize("name", CASES)
def test_numbers_are_torchs(name: str) -> None:
    draw, recorded = CASES[name]
    found = []
    for seed in SEEDS:
        rl.manual_seed(seed)
        found.append(digest(draw()))
    assert " ".join(found) == recorded


def test_first_numbers_in_the_open() -> None:
    rl.manual_seed(0)
    assert rl.rand(3).tolist() == [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]
    rl.manual_seed(0)
    assert rl.randn(2).tolist() == [1.5409960746765137, -0.293428897857666]
    rl.manual_seed(0)
    assert rl.randperm(8).tolist() == PERMUTATION
    rl.manual_seed(0)
    assert F.dropout(rl.ones(8), 0.5).tolist() == DROPPED


PERMUTATION = [4, 0, 7, 3, 2, 5, 1, 6]
DROPPED = [0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0, 2.0]


def test_state_goes_on_where_it_was_saved() -> None:
    rl.manual_seed(3)
    rl.randn(5)  # leaves half a pair behind
    state = rl.get_rng_state()
    first = [rl.randn(3), rl.rand(2)]
    rl.set_rng_state(state)
    again = [rl.randn(3), rl.rand(2)]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert state.shape == (5056,) and state.dtype is rl.uint8


def test_state_has_torchs_bytes() -> None:
    rl.manual_seed(42)
    rl.randn(5)
    rl.rand(3)
    saved = blake2b(rl.get_rng_state().numpy().tobytes(), digest_size=8).hexdigest()
    assert saved == "970cc625a6c16fd7"
    rl.manual_seed(7)  # nothing drawn yet, which torch marks in the state
    saved = blake2b(rl.get_rng_state().numpy().tobytes(), digest_size=8).hexdigest()
    assert saved == "96a6d172ff035e32"


def test_set_state_refuses_what_is_no_state() -> None:
    with pytest.raises(TypeError, match=r"RNG state must be a torch\.ByteTensor"):
        rl.set_rng_state(rl.zeros(5056))
    with pytest.raises(RuntimeError, match="state size to be 10"):
        rl.set_rng_state(rl.zeros(10, dtype=rl.uint8))
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        rl.set_rng_state(rl.zeros(5056, dtype=rl.uint8))


def test_seeds() -> None:
    assert rl.manual_seed(-3) is rl.default_generator
    assert rl.initial_seed() == 2**64 - 3
    assert rl.rand(2).tolist() == [0.6248647570610046, 0.5075611472129822]
    assert rl.Generator().initial_seed() == 67280421310721
    assert rl.seed() == rl.initial_seed()
    for seed in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            rl.manual_seed(seed)


def test_generators_are_independent() -> None:
    g = rl.Generator().manual_seed(0)
    rl.manual_seed(0)
    expected = [rl.rand(5), rl.randn(5), rl.randperm(9), rl.randint(10, (3,))]
    rl.manual_seed(1)
    untouched = rl.get_rng_state()
    found = [rl.rand(5, generator=g), rl.randn(5, generator=g), rl.randperm(9, generator=g),
             rl.randint(10, (3,), generator=g)]
    assert all((a == b).all() for a, b in zip(expected, found, strict=True))
    assert (rl.get_rng_state() == untouched).all()


@pytest.mark.parametrize("twin_of", [
    copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g)), lambda g: g.clone_state(),
    lambda g: rl.Generator().set_state(g.get_state()),
    lambda g: rl.Generator().graphsafe_set_state(g)])
def test_generators_copy(twin_of: Callable) -> None:
    g = rl.Generator().manual_seed(5)
    rl.randn(3, generator=g)
    twin = twin_of(g)
    assert (rl.randn(20, generator=twin) == rl.randn(20, generator=g)).all()
    rl.rand(1, generator=twin)
    assert not (rl.rand(9, generator=twin) == rl.rand(9, generator=g)).all()


def test_fork_rng() -> None:
    rl.manual_seed(0)
    expected = rl.rand(3)
    rl.manual_seed(0)
    with pytest.raises(KeyError), rl.random.fork_rng():
        rl.rand(1000)
        raise KeyError
    assert (rl.rand(3) == expected).all()
    with rl.random.fork_rng(enabled=False):
        rl.manual_seed(0)
    assert (rl.rand(3) == expected).all()


def test_out_and_options() -> None:
    rl.manual_seed(0)
    expected = rl.rand(2, 3)
    out = rl.empty(0)
    rl.manual_seed(0)
    assert rl.rand(2, 3, out=out) is out and (out == expected).all()
    rl.manual_seed(0)
    order = rl.randperm(5)
    rl.manual_seed(0)
    assert rl.randperm(5, out=rl.empty(5, dtype=rl.int64)).tolist() == order.tolist()
    assert rl.rand(2, requires_grad=True).requires_grad
    assert rl.randn(3, 2, device="meta").shape == (3, 2)
    assert rl.rand_like(rl.ones(2, dtype=rl.int64), dtype=rl.float64).dtype is rl.float64
    turned = rl.rand(2, 3).t()
    assert rl.rand_like(turned).stride() == F.dropout(turned).stride() == (1, 3)
    assert turned.bernoulli(0.5).stride() == turned.bernoulli().stride() == (2, 1)


def test_meta_tensors_draw_nothing() -> None:
    before = rl.get_rng_state()
    rl.empty(3, device="meta").normal_()
    rl.rand(4, device="meta")
    rl.randperm(4, device="meta")
    assert (rl.get_rng_state() == before).all()


def test_dropout_gradient_is_its_mask() -> None:
    rl.manual_seed(0)
    x = rl.ones(1000, requires_grad=True)
    y = F.dropout(x, 0.25)
    y.sum().backward()
    assert y.grad_fn.name() == "MulBackward0"
    assert (x.grad == y).all()
    kept = float((y != 0).float().mean())
    assert 0.7 < kept < 0.8
    assert y.max().item() == np.float32(1) / np.float32(0.75)


def test_dropout_edges() -> None:
    x = rl.ones(3)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 1.0).tolist() == [0, 0, 0]
    assert F.dropout(x, 1.0, inplace=True) is x and x.sum() == 0
    assert F.dropout(rl.ones(0), 0.5).shape == (0,)
    mask = F.dropout2d(rl.ones(8, 4, 3, 3), 0.5)
    assert ((mask == mask[:, :, :1, :1]).all())


def test_draws_have_gradient_zero() -> None:
    x = rl.ones(3, requires_grad=True)
    y = x * 2
    y.uniform_()
    assert y.grad_fn.name() == "UniformBackward0"
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 0]
    p = rl.full((3,), 0.5, requires_grad=True)
    rl.bernoulli(p).sum().backward()
    assert p.grad.tolist() == [0, 0, 0]
    base = rl.ones(2, 2, requires_grad=True) * 3
    base[0].normal_()
    (grad,) = rl.autograd.grad(base.sum(), base, allow_unused=True)
    assert grad.tolist() == [[1, 1], [1, 1]]


def test_draws_count_as_writes() -> None:
    x = rl.ones(3, requires_grad=True)
    y = x.exp()
    z = y.sum()
    y.detach().normal_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "leaf": (lambda: rl.ones(3, requires_grad=True).uniform_(), RuntimeError,
             "a leaf Variable that requires grad"),
    "order": (lambda: rl.empty(3).uniform_(2, 1), RuntimeError,
              "uniform_ expects to return a"),
    "dtype": (lambda: rl.rand(3, dtype=rl.int64), NotImplementedError, "check_uniform_bounds"),
    "infinite": (lambda: rl.empty(3).uniform_(0, 1e39), RuntimeError, "to is out of bounds"),
    "width": (lambda: rl.empty(3).uniform_(-3e38, 3e38), RuntimeError, "uniform_ expects to-from"),
    "std": (lambda: rl.empty(3).normal_(0, -1), RuntimeError, "normal expects std >= 0.0"),
    "std nan": (lambda: rl.empty(3).normal_(0, float("nan")), RuntimeError, "normal expects std"),
    "stds": (lambda: rl.normal(rl.zeros(2), -rl.ones(2)), RuntimeError,
             "normal expects all elements of std >= 0.0"),
    "p": (lambda: rl.empty(3).bernoulli_(1.5), RuntimeError, "bernoulli_ expects p to be in"),
    "ps": (lambda: rl.bernoulli(rl.tensor([0.5, 3.0])), RuntimeError, "Expected p_in >= 0"),
    "p int": (lambda: rl.bernoulli(rl.tensor([1, 0])), NotImplementedError, "bernoulli_tensor_cpu"),
    "p shape": (lambda: rl.empty(3).bernoulli_(rl.full((2,), 0.5)), RuntimeError,
                "The expanded size of the tensor"),
    "rate": (lambda: rl.empty(3).exponential_(0), RuntimeError, "exponential_ expects lambda"),
    "exponential": (lambda: rl.empty(3, dtype=rl.int64).exponential_(), RuntimeError,
                    "Exponential distribution is a continuous"),
    "geometric": (lambda: rl.empty(3).geometric_(1), RuntimeError, "geometric_ expects p"),
    "cauchy": (lambda: rl.empty(3).cauchy_(0, 0), RuntimeError, "cauchy_ expects sigma"),
    "log_normal": (lambda: rl.empty(3).log_normal_(0, 0), RuntimeError, "log_normal_ expects std"),
    "empty range": (lambda: rl.randint(5, 2, (3,)), RuntimeError, "random_ expects 'from'"),
    "range": (lambda: rl.randint(300, (3,), dtype=rl.uint8), RuntimeError, "to - 1 is out of"),
    "size": (lambda: rl.randint(5, 3), TypeError, "argument 'size'"),
    "high": (lambda: rl.randint(5.5, (3,)), TypeError, "argument 'high' .position 1. must be int"),
    "negative": (lambda: rl.rand(-1), RuntimeError, "negative dimension -1"),
    "float size": (lambda: rl.rand(2.5), TypeError, "argument 'size' .position 1."),
    "no size": (lambda: rl.rand(), TypeError, "invalid combination of arguments"),
    "out dtype": (lambda: rl.rand(2, out=rl.empty(2), dtype=rl.float64), RuntimeError,
                  "dtype Double does not match dtype of out"),
    "integer grad": (lambda: rl.randint(5, (3,), requires_grad=True), RuntimeError,
                     "Only Tensors of floating point"),
    "generator": (lambda: rl.rand(2, generator=3), TypeError, "must be Generator"),
    "randperm dtype": (lambda: rl.randperm(300, dtype=rl.uint8), RuntimeError, "without overflow"),
    "randperm half": (lambda: rl.randperm(3000, dtype=rl.float16), RuntimeError,
                      "n cannot be greater than 2049 for Half"),
    "too many": (lambda: rl.multinomial(rl.ones(3), 4), RuntimeError, "cannot sample n_sample >"),
    "none": (lambda: rl.multinomial(rl.ones(3), 0), RuntimeError, "cannot sample n_sample <= 0"),
    "zeros": (lambda: rl.multinomial(rl.zeros(3), 1), RuntimeError, "invalid multinomial"),
    "minus": (lambda: rl.multinomial(rl.tensor([1.0, -1.0]), 1), RuntimeError, "probability tens"),
    "poisson": (lambda: rl.poisson(rl.tensor([-1.0])), RuntimeError, "invalid Poisson rate"),
    "dropout": (lambda: F.dropout(rl.ones(3), 1.5), ValueError, "dropout probability has to be"),
    "dropout int": (lambda: F.dropout(rl.ones(3, dtype=rl.int64)), RuntimeError,
                    "result type Float can't be cast"),
    "expanded": (lambda: rl.ones(3).expand(2, 3).uniform_(), RuntimeError, "more than one element"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, kind, phrase = ERRORS[name]
    before = rl.get_rng_state()
    with pytest.raises(kind, match=phrase):
        call()
    if name != "poisson":  # found while drawing
        assert (rl.get_rng_state() == before).all()


def test_full_range_reaches_both_halves() -> None:
    drawn = rl.empty(1000, dtype=rl.int64).random_(-(2**63), None)
    assert (drawn < 0).any() and (drawn > 0).any()


def test_randint_warns_where_floats_skip_numbers() -> None:
    with pytest.warns(UserWarning, match="to - 1 is out of bounds"):
        rl.empty(3).random_(0, 2**30)
