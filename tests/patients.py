"""Runs for the doctor: broken ones, each with what must be found, and healthy ones.

A run is a function without arguments that returns a network, its rows, and options for `diagnose`.
"""

import csv
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

import glassnet as gn

Made = tuple[gn.Network, Any, Any, dict[str, Any]]
Maker = Callable[[], Made]
Dense = gn.Dense
CLASSES, YES, NUMBER = "multiclass_cross_entropy", "binary_cross_entropy", "squared_error"
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])


@dataclass(frozen=True)
class Run:
    """A run with its name, and what must be found: one of these; nothing, if it is healthy."""

    name: str
    make: Callable[[], Made]
    expected: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


# ---- tables --------------------------------------------------------------------------------------


def scaled(X: Any) -> Any:
    """Return the columns that vary, centred and scaled."""
    X = np.asarray(X, float)
    X = X[:, X.std(axis=0) > 0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


@cache
def table(name: str) -> tuple[Any, Any, str]:
    """Return a table by name, scaled, with the loss that suits its target."""
    if name == "penguins":
        return penguins()
    if name in ("digits", "wine", "iris", "breast_cancer", "diabetes"):
        found = getattr(datasets, f"load_{name}")()
        X, y = scaled(found.data), found.target
        if name == "diabetes":
            return X, (y - y.mean()) / y.std(), NUMBER
        return X, y.astype(float), YES if name == "breast_cancer" else CLASSES
    rng = np.random.default_rng(0)
    if name == "moons":
        return *datasets.make_moons(300, noise=0.2, random_state=0), YES
    if name == "waves":
        X = rng.uniform(-1, 1, (400, 2))
        return X, (np.sin(4 * X[:, 0]) * X[:, 1] > 0).astype(float), YES
    X = rng.standard_normal((400, 6))
    signal = X[:, 0] + X[:, 1] * X[:, 2]
    if name == "quantity":
        return X, signal + 0.3 * rng.standard_normal(400), NUMBER
    if name == "noisy":
        return X, X[:, 0] + 3 * rng.standard_normal(400), NUMBER
    if name == "uneven":
        return X, (signal + 0.3 * rng.standard_normal(400) > 2).astype(float), YES
    if name == "counts":
        return X, rng.poisson(np.exp(0.5 * X[:, 0] + 1)).astype(float), "poisson"
    raise KeyError(name)


def penguins() -> tuple[Any, Any, str]:
    """Return the penguins of the examples: four quantities, two texts as one-hot columns."""
    path = Path(__file__).parent.parent / "examples" / "penguins.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(row.values())]
    columns = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name == "species":
            y = np.unique(values, return_inverse=True)[1].astype(float)
            continue
        try:
            columns.append(scaled(np.array(values, float)[:, None]))
        except ValueError:
            columns += [np.array(values)[:, None] == value for value in sorted(set(values))]
    return np.concatenate(columns, axis=1).astype(float), y, CLASSES


def outputs(y: Any, loss: Any) -> int:
    """Return how many outputs a target wants."""
    return int(y.max()) + 1 if loss == CLASSES else 1 if y.ndim == 1 else y.shape[1]


def network(
    name: str, *layers: gn.Layer, seed: int = 1, loss: Any = None, dtype: str = "float32"
) -> tuple[gn.Network, Any, Any]:
    """Return a network for a table, and the table."""
    X, y, usual = table(name)
    loss = usual if loss is None else loss
    layers = (*layers, Dense(outputs(y, usual)))
    return gn.Network(layers, X.shape[1], loss=loss, dtype=dtype, seed=seed), X, y


def fitted(net: gn.Network, X: Any, y: Any, **options: Any) -> Made:
    """Train, whatever comes of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        net.fit(X, y, **options)
    return net, X, y, {}


# ---- what breaks ---------------------------------------------------------------------------------


def times(net: gn.Network, factor: float, names: str = "W") -> gn.Network:
    """Multiply weights."""
    for name, weights in net.weights.items():
        if name.startswith(names):
            weights *= factor
    return net


def biased(net: gn.Network, name: str, value: Any) -> gn.Network:
    """Write into a bias."""
    net.weights[name][...] = value
    return net


def shuffled(name: str, *layers: gn.Layer, **options: Any) -> Made:
    """Train on targets in another order than the rows."""
    net, X, y = network(name, *layers)
    return fitted(net, X, np.random.default_rng(3).permutation(y), **options)


def spoiled(
    name: str, spoil: Callable[[Any, Any], tuple[Any, Any]], *layers: gn.Layer, **options: Any
) -> Made:
    """Train on a table in which something was spoiled; without epochs it stays untrained."""
    X, y, loss = table(name)
    X, y = spoil(np.array(X), np.array(y))
    net = gn.Network([*layers, Dense(outputs(y, loss))], X.shape[1], loss=loss, seed=1)
    return fitted(net, X, y, **options) if options else (net, X, y, {})


def column(place: int, make: Callable[[Any], Any]) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Spoil one column."""

    def spoil(X: Any, y: Any) -> tuple[Any, Any]:
        X[:, place] = make(X[:, place])
        return X, y

    return spoil


def again(place: int, factor: float = 1.0, shift: float = 0.0) -> Any:
    """Append a column that is another one in another unit."""
    return lambda X, y: (np.column_stack([X, factor * X[:, place] + shift]), y)


def target(change: Callable[[Any], Any]) -> Any:
    """Spoil the target."""
    return lambda X, y: (X, change(y))


def outlier(y: Any) -> Any:
    """Let one target be far from the others."""
    y[7] = 1e6
    return y


def stuck(seed: int, epochs: int = 1000) -> Made:
    """Train XOR with two hidden units from a seed that ends in a local minimum."""
    layers = [Dense(2, "sigmoid"), Dense(1)]
    net = gn.Network(layers, 2, loss=YES, dtype="float64", seed=seed)
    return fitted(net, *XOR, epochs=epochs, batch_size=None, optimizer=gn.Adam(0.1))


class Crossed(gn.Loss):
    """A squared error whose value takes targets (n,) from scores (n, 1)."""

    def value(self, raw: Any, y: Any, w: Any) -> Any:
        return np.sum(np.square(raw - y[..., 0]) * w, axis=(-2, -1))

    def gradient(self, raw: Any, y: Any, w: Any) -> Any:
        return 2 * np.mean(raw - y[..., 0], axis=-1, keepdims=True) * w


class Backwards(gn.Activation):
    """A tanh whose slope has the wrong sign."""

    def f(self, z: Any) -> Any:
        return np.tanh(z)

    def slope(self, z: Any, a: Any) -> Any:
        return a * a - 1


def small(rng: Any, shape: Any) -> Any:
    return 0.05 * rng.standard_normal(shape)


def halves(rng: Any, shape: Any) -> Any:
    return np.full(shape, 0.5)


# ---- broken runs ---------------------------------------------------------------------------------


def run(name: str, expected: str, make: Maker) -> Run:
    return Run(name, make, tuple(expected.split()))


def fit(name: str, *layers: gn.Layer, **options: Any) -> Maker:
    """Train on a table; in the tables below, the first argument names it."""
    return lambda: fitted(*network(name, *layers), **options)


def fresh(name: str, *layers: gn.Layer, **how: Any) -> Maker:
    """Leave a network untrained."""
    return lambda: (*network(name, *layers), how)


def bad(change: Callable[[gn.Network], Any], name: str, *layers: gn.Layer, **options: Any) -> Maker:
    """Change a network's weights, then train; without epochs it stays untrained."""

    def make() -> Made:
        net, X, y = network(name, *layers)
        change(net)
        return fitted(net, X, y, **options) if options else (net, X, y, {})

    return make


def spoil(change: Callable[[Any, Any], Any], name: str, *layers: Any, **options: Any) -> Maker:
    """Change a table, then train; without epochs the network stays untrained."""
    return lambda: spoiled(name, change, *layers, **options)


def shuffle(name: str, *layers: gn.Layer, **options: Any) -> Maker:
    """Train on targets in another order than the rows."""
    return lambda: shuffled(name, *layers, **options)


RELU, TANH, SIGMOID = (Dense(24, name) for name in ("relu", "tanh", "sigmoid"))


def rates() -> list[Run]:
    """Return runs whose learning rate is wrong."""
    slow, fast = gn.SGD(1e-7), gn.SGD(1e3)
    return [
        run("sgd 1e-7", "small_updates", fit("digits", RELU, optimizer=slow, epochs=10)),
        run("sgd 1e-7, quantity", "small_updates", fit("quantity", TANH, optimizer=slow)),
        run("adam 1e-8", "small_updates", fit("moons", RELU, optimizer=gn.Adam(1e-8))),
        run("adam 1e-8, untrained", "small_updates", fresh("wine", RELU, optimizer=gn.Adam(1e-8))),
        run("sgd 1e3", "diverged", fit("quantity", RELU, optimizer=fast)),
        run("sgd 1e3, classes", "large_updates", fit("digits", RELU, optimizer=fast, epochs=9)),
        run("sgd 1e3, untrained", "large_updates", fresh("wine", TANH, optimizer=fast)),
        run("sgd 3", "diverged", fit("quantity", TANH, RELU, optimizer=gn.SGD(3.0))),
        run("adam 1e3", "large_updates", fit("quantity", RELU, optimizer=gn.Adam(1e3), epochs=40)),
        run("adam 10", "large_updates", fit("wine", RELU, RELU, RELU, optimizer=gn.Adam(10.0))),
        run("momentum 2", "diverged", fit("diabetes", RELU, optimizer=gn.Momentum(2.0))),
    ]


def beginnings() -> list[Run]:
    """Return runs whose first weights are wrong."""
    same = Dense(8, "tanh", init=halves)
    many = {"epochs": 60}

    def scaled_by(factor: float, names: str = "W") -> Callable[[gn.Network], Any]:
        return lambda net: times(net, factor, names)

    def off(name: str, value: Any = -100.0) -> Callable[[gn.Network], Any]:
        return lambda net: biased(net, name, value)

    most = np.where(np.arange(24) % 5, -100, 0)
    return [
        run("zeros, relu", "symmetric_weights", bad(scaled_by(0), "moons", RELU, **many)),
        run("zeros, tanh", "symmetric_weights", bad(scaled_by(0), "wine", TANH, TANH, **many)),
        run("zeros, untrained", "symmetric_weights", bad(scaled_by(0), "quantity", SIGMOID)),
        run("all the same", "symmetric_weights", fit("quantity", same, same, epochs=40)),
        run("the same", "symmetric_weights", bad(scaled_by(0, "W3"), "moons", same, same, **many)),
        run("times 100, tanh", "saturated_units", bad(scaled_by(100), "wine", TANH)),
        run("times 100, trained", "saturated_units", bad(scaled_by(100), "wine", TANH, **many)),
        run(
            "times 100, deep", "saturated_units", bad(scaled_by(100), "diabetes", SIGMOID, SIGMOID)
        ),
        run("times 100, relu", "far_start", bad(scaled_by(100), "quantity", RELU, **many)),
        run("bias 50", "far_start", bad(off("b2", 50), "quantity", RELU, epochs=2)),
        run("bias 50, classes", "far_start", bad(off("b2", 50), "moons", RELU)),
        run("dead", "dead_units", bad(off("b1"), "moons", RELU)),
        run("dead, trained", "dead_units", bad(off("b1"), "quantity", RELU, **many)),
        run("dead inside", "dead_units", bad(off("b2"), "wine", RELU, Dense(24, "gelu"), **many)),
        run("four fifths dead", "dead_units", bad(off("b1", most), "diabetes", RELU)),
        run("dead, majority", "majority", bad(off("b1"), "breast_cancer", RELU, epochs=20)),
        run("no third class", "missing_class", bad(off("b2", [0, 0, -99]), "wine", RELU, **many)),
        run("no nine", "missing_class", bad(off("b2", [0] * 9 + [-60]), "digits", RELU, epochs=4)),
        run("flat", "plateau", bad(scaled_by(0), "moons", TANH, TANH, **many)),
    ]


def depths() -> list[Run]:
    """Return runs that are too deep for their activations or first weights."""
    fading, growing = Dense(16, "tanh", init=small), Dense(50, "relu", init="normal")
    slow = {"optimizer": "sgd", "epochs": 20}
    grown = "exploding_gradient"
    return [
        run("30 sigmoids", "vanishing_gradient", fit("moons", *[Dense(9, "sigmoid")] * 30, **slow)),
        run("30 sigmoids, untrained", "vanishing_gradient", fresh("wine", *[SIGMOID] * 30)),
        run("fading", "vanishing_gradient", fit("quantity", *[fading] * 12, **slow)),
        run("fading, untrained", "vanishing_gradient", fresh("digits", *[fading] * 12)),
        run("growing", grown, fresh("wine", *[growing] * 12)),
        run("growing, trained", grown, fit("quantity", *[growing] * 12, epochs=5)),
    ]


def columns() -> list[Run]:
    """Return runs on tables whose columns are wrong."""

    def by(factor: float) -> Any:
        return lambda X, y: (X * factor, y)

    def tiled(X: Any, y: Any) -> Any:
        return np.tile(X[:1], (len(X), 1)), y

    few = {"epochs": 20}
    year, tens = column(3, lambda x: 2000 + 10 * x), column(1, lambda x: x * 1e6)
    constant, zeros = column(2, lambda x: 0 * x + 3.5), column(0, lambda x: 0 * x)
    clock = column(0, lambda x: 1.7e9 + x)
    return [
        run("times 1e6", "unscaled_columns", spoil(by(1e6), "wine", RELU, **few)),
        run("one times 1e6", "unscaled_columns", spoil(tens, "moons", TANH, **few)),
        run("a year", "unscaled_columns", spoil(year, "quantity", RELU)),
        run("times 1e-6", "unscaled_columns", spoil(by(1e-6), "quantity", RELU, **few)),
        run("inputs of 1e30", "non_finite", spoil(by(1e30), "quantity", RELU, RELU)),
        run("the same rows", "constant_columns", spoil(tiled, "moons", RELU, **few)),
        run("constant", "constant_columns", spoil(constant, "wine", RELU, **few)),
        run("zeros", "constant_columns", spoil(zeros, "quantity", RELU)),
        run("seconds since 1970", "constant_columns", spoil(clock, "quantity", RELU)),
        run("twice", "duplicate_columns", spoil(again(4), "wine", RELU, **few)),
        run("Fahrenheit", "duplicate_columns", spoil(again(1, 1.8, 32), "quantity", RELU)),
        run("negative", "duplicate_columns", spoil(again(0, -1.0), "diabetes", TANH)),
    ]


def targets() -> list[Run]:
    """Return runs whose targets are wrong."""
    cents, tiny = target(lambda y: 1e5 * y + 3e5), target(lambda y: 1e-4 * y)
    constant, far = target(lambda y: 0 * y + 2), target(outlier)
    nothing = "learned_by_heart no_better_than_constant"
    long = {"epochs": 100}
    return [
        run("outlier", "outlier_target", spoil(far, "quantity", RELU, epochs=30)),
        run("outlier, untrained", "outlier_target", spoil(far, "diabetes", TANH)),
        run("in cents", "unscaled_target", spoil(cents, "quantity", RELU, epochs=30)),
        run("tiny", "unscaled_target", spoil(tiny, "quantity", RELU)),
        run("constant target", "constant_target", spoil(constant, "quantity", RELU, epochs=10)),
        run("shuffled digits", "learned_by_heart", shuffle("digits", RELU, epochs=30)),
        run("shuffled wine", "learned_by_heart", shuffle("wine", RELU, **long)),
        run(
            "shuffled quantity", "learned_by_heart", shuffle("quantity", Dense(64, "tanh"), **long)
        ),
        run("shuffled moons", nothing, shuffle("moons", RELU, **long)),
        run("rows mixed", "rows_mixed", lambda: (*network("quantity", RELU, loss=Crossed()), {})),
    ]


def courses() -> list[Run]:
    """Return runs whose loss swings, stands still, or rises for other rows."""
    whole: dict[str, Any] = {"batch_size": None, "epochs": 100}
    held: dict[str, Any] = {"validation": 0.3, "epochs": 200, "optimizer": gn.Adam(0.01)}
    wide, swings = Dense(100, "relu"), "oscillating_loss"
    linear = gn.Network(Dense(1), 2, loss=YES, seed=0)
    return [
        run("swinging", swings, fit("moons", TANH, TANH, optimizer=gn.SGD(4.0), **whole)),
        run("swinging more", swings, fit("moons", TANH, TANH, optimizer=gn.SGD(16.0), **whole)),
        run("too long", "diverged", fit("quantity", TANH, optimizer=gn.SGD(0.7), **whole)),
        run("by heart", "overfitting", fit("noisy", wide, **held)),
        run("by heart, classes", "overfitting", fit("uneven", wide, wide, **held)),
        run("held to nothing", "majority", fit("uneven", RELU, l2=10.0, epochs=60)),
        run("upside down", "wrong_gradient", fit("quantity", *[Dense(8, Backwards())] * 2)),
        run("XOR at 0.5", "no_better_than_constant", lambda: fitted(linear, *XOR, epochs=500)),
        *(
            run(f"XOR from seed {seed}", "local_minimum", lambda seed=seed: stuck(seed))
            for seed in (3, 4, 12, 37)
        ),
    ]


def broken() -> list[Run]:
    """Return broken runs of every kind."""
    return [*rates(), *beginnings(), *depths(), *columns(), *targets(), *courses()]


# ---- healthy runs --------------------------------------------------------------------------------


def usual(layers: list[gn.Layer], *names: str, **options: Any) -> list[Run]:
    """Return a training on each of some tables, and the same before it begins."""
    how = {n: option for n, option in options.items() if n in ("optimizer", "l2", "batch_size")}
    dtype = options.pop("dtype", "float32")
    runs = []
    for name in names:
        title = f"{name}, {', '.join(map(repr, layers))}"
        runs.append(Run(title, lambda name=name: fitted(*made(name, layers, dtype), **options)))
        runs.append(Run(f"{title}, untrained", lambda name=name: (*made(name, layers, dtype), how)))
    return runs


def made(name: str, layers: list[gn.Layer], dtype: str) -> tuple[gn.Network, Any, Any]:
    return network(name, *layers, dtype=dtype, seed=len(name))


def healthy() -> list[Run]:
    """Return healthy runs over tables, activations, depths, optimizers and batches."""
    block = gn.Residual([gn.LayerNorm(), Dense(24, "silu"), Dense(24)])
    stop: dict[str, Any] = {"validation": 0.2, "patience": 10, "epochs": 200}
    whole: dict[str, Any] = {"batch_size": None, "optimizer": gn.Adam(0.02), "epochs": 300}
    slow: dict[str, Any] = {"optimizer": gn.SGD(0.1), "epochs": 60, "dtype": "float64"}
    return [
        *usual([RELU], "digits", "wine", "breast_cancer", "penguins", epochs=40),
        *usual([RELU, RELU], "diabetes", "quantity", "counts", "noisy", epochs=40),
        *usual([TANH], "penguins", "moons", "quantity", **slow),
        *usual([SIGMOID], "iris", "uneven", "diabetes", optimizer=gn.Adam(0.01), epochs=60),
        *usual([SIGMOID] * 3, "digits", "waves", optimizer=gn.Adam(0.01), epochs=80),
        *usual([Dense(40, "gelu"), gn.Dropout(0.3)], "breast_cancer", "noisy", optimizer="adamw"),
        *usual([Dense(24), block, block], "wine", "quantity", epochs=30),
        *usual([], "iris", "diabetes", "breast_cancer", optimizer=gn.Adam(0.02), epochs=60),
        *usual([Dense(50, "elu")], "noisy", "uneven", "diabetes", **stop),
        *usual([Dense(24, "selu")] * 5, "quantity", "penguins", epochs=30),
        *usual([RELU] * 7, "moons", "digits", epochs=20),
        *usual([TANH, TANH], "waves", "wine", **whole),
        *usual([Dense(24, "mish")], "counts", optimizer=gn.RMSprop(0.003), l2=1e-3, epochs=40),
        *usual([Dense(12, "softplus")], "iris", optimizer="nesterov", epochs=100, average=0.3),
        *usual([Dense(12, "tanh")], "quantity", "uneven", optimizer="lbfgs", l2=1e-3),
        Run("XOR", lambda: stuck(0)),
    ]
