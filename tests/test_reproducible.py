"""What docs/reproducible.md promises: the same bits, and where it is only the same to rounding."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_predict

import glassnet as gn
from glassnet import serving

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 4))
Y = (X[:, 0] > X[:, 1]).astype(int)
WORDS = pd.DataFrame(X, columns=list("abcd")).assign(e=RNG.choice(["u", "v", "w", "ü"], 120))
QUICK: dict[str, Any] = {"preset": "quick", "epochs": 4, "random_state": 0}


def network() -> gn.Network:
    layers = [gn.Dense(8, "gelu"), gn.Dropout(0.2), gn.Dense(1)]
    net = gn.Network(layers, 4, loss="binary_cross_entropy", seed=0)
    net.fit(X, Y, epochs=3, batch_size=16)
    return net


def mlp() -> Any:
    return gn.MLPClassifier(8, activation="tanh", solver="lbfgs", max_iter=20, random_state=0)


FITTED: dict[str, Callable[[], Any]] = {
    "network": lambda: network().predict(X),
    "members": lambda: (
        gn.Network([gn.Dense(3, "relu"), gn.Dense(1)], 4, seed=0)
        .fit(X, Y, epochs=2, members=3)
        .loss
    ),
    "MLPClassifier": lambda: mlp().fit(X, Y).predict_proba(X),
    "MLPRegressor": lambda: (
        gn.MLPRegressor(max_iter=300, random_state=0).fit(X, X[:, 1]).predict(X)
    ),
    "TabularClassifier": lambda: gn.TabularClassifier(**QUICK).fit(WORDS, Y).predict_proba(WORDS),
    "TabularRegressor": lambda: gn.TabularRegressor(**QUICK).fit(WORDS, X[:, 1]).predict(WORDS),
}


def digest(name: str) -> str:
    """Return what stands for every bit that one of them learned and predicts."""
    return hashlib.sha256(np.ascontiguousarray(FITTED[name]()).tobytes()).hexdigest()


SCRIPT = "import test_reproducible as here; print(*(here.digest(name) for name in here.FITTED))"


def test_two_processes_make_the_same_bits() -> None:
    paths = [str(Path(gn.__file__).parents[1]), str(Path(__file__).parent)]
    # another order of what is in a set, too
    given = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "7"}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **given},
    )
    here = [digest(name) for name in FITTED]
    assert run.stdout.split() == here
    assert len(set(here)) == len(FITTED)


@pytest.mark.parametrize(
    "kind", [gn.TabularClassifier, gn.TabularRegressor], ids=lambda k: k.__name__
)
def test_threads_change_nothing_that_a_table_teaches(kind: Any) -> None:
    y = Y if kind is gn.TabularClassifier else X[:, 1]
    one, two = (kind(n_jobs=jobs, n_ensemble=3, **QUICK).fit(WORDS, y) for jobs in (1, 2))
    assert one.ensemble_.network.theta.tobytes() == two.ensemble_.network.theta.tobytes()
    assert one.predict(WORDS).tobytes() == two.predict(WORDS).tobytes()


@pytest.mark.parametrize("model", [mlp(), gn.TabularClassifier(**QUICK)], ids=["MLP", "tabular"])
def test_n_jobs_of_scikit_learn_change_nothing(model: Any) -> None:
    how = {"cv": 2, "method": "predict_proba"}
    one, two = (cross_val_predict(model, X, Y, n_jobs=jobs, **how) for jobs in (1, 2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("part", [1, 7, 999])
def test_how_a_table_is_cut_changes_no_more_than_the_rounding(dtype: str, part: int) -> None:
    table = RNG.standard_normal((2_500, 4))
    net = gn.Network([gn.Dense(300, "relu"), gn.Dense(300, "tanh"), gn.Dense(1)], 4, dtype=dtype)
    whole = net.raw(table)
    table, whole = table[-400:], whole[-400:]
    parts = [net.raw(table[begin : begin + part]) for begin in range(0, len(table), part)]
    far = np.abs(np.concatenate(parts) - whole).max() / np.abs(whole).max()
    assert far < {"float32": 1e-5, "float64": 1e-13}[dtype]


@pytest.mark.parametrize(
    "kind", [gn.TabularClassifier, gn.TabularRegressor], ids=lambda k: k.__name__
)
def test_many_threads_may_ask_at_once(kind: Any) -> None:
    y = Y if kind is gn.TabularClassifier else X[:, 1]
    model = kind(n_ensemble=3, **QUICK).fit(X, y)
    say = getattr(model, "predict_proba", model.predict)
    tables = [RNG.standard_normal((rows, 4)) for rows in (1, 2, 300, 1_500)]
    wanted, wrong = [say(table).tobytes() for table in tables], []
    model = kind(n_ensemble=3, **QUICK).fit(X, y)  # that nobody has asked yet
    say = getattr(model, "predict_proba", model.predict)

    def work(k: int) -> None:
        try:
            for turn in range(6):
                at = (k + turn) % len(tables)
                if say(tables[at]).tobytes() != wanted[at]:
                    wrong.append(f"{len(tables[at])} rows differ")
        except Exception as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]


def test_the_cores_that_many_rows_are_shared_out_to_change_no_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, many = [], RNG.standard_normal((3_000, 4))
    model = gn.TabularRegressor(n_ensemble=4, **QUICK).fit(X, X[:, 1])
    for count in (1, 2):
        monkeypatch.setattr(serving, "cores", lambda count=count: count)
        said.append(model.predict(many).tobytes())
    assert said[0] == said[1]
