"""Random tables and arrays through fit and predict: python tests/fuzz/tables.py COUNT.

Whatever comes in, what comes out is finite and of the right shape, without a warning; or one
sentence that names the column or the argument.
"""

import re
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from sklearn.exceptions import ConvergenceWarning

import glassnet as gn
from glassnet.tabular import ensemble

sys.path.insert(0, str(Path(__file__).parents[1]))
from fuzz import report, strategies

PART = 250  # cases that one process goes through, from one seed
NAMED = re.compile(
    r"(?:Input )?(X|y|sample_weight|categorical_features|column .+?)(:| has | contains )"
)
# scikit-learn's advice on targets, which are learned all the same
ADVICE = ("A column-vector y was passed", "The number of unique classes is greater than 50%")


class Outcomes(Counter[str]):
    """How often each outcome came, and every outcome that must not."""

    def attempt(self, what: str, call: Callable[[], Any]) -> Any:
        """Return what a call returns; a refusal in one sentence counts, and returns nothing."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for text in ADVICE:
                warnings.filterwarnings("ignore", text)
            # sentences of ours
            warnings.simplefilter("ignore", gn.DivergenceWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                result = call()
            except (ValueError, TypeError) as error:
                self[f"{what} refused: {argument(str(error))}"] += 1
                return None
        self[f"{what} done"] += 1
        return result


def argument(refusal: str) -> str:
    """Return which argument a refusal is about; it must be one sentence that begins with it."""
    told = NAMED.match(refusal)
    assert told, f"no argument is named: {refusal}"
    assert "\n" not in refusal, f"more than a sentence: {refusal}"
    return told[1].split()[0]


def tabular(case: strategies.Case, seen: Outcomes) -> None:
    """Learn a table, and predict it, one row of it and another table."""
    kind = gn.TabularClassifier if case.classes else gn.TabularRegressor
    model = kind(
        *("quick",),
        n_ensemble=1,
        epochs=1,
        n_jobs=1,
        categorical_features=case.categorical,
        random_state=0,
    )
    X = case.X
    if seen.attempt("fit", lambda: model.fit(X, case.y, sample_weight=case.w)) is None:
        return
    said = seen.attempt("predict", lambda: model.predict(X))
    assert said is not None, "what was learned must be predicted"
    check(model, said, case.rows, X)
    other = case.other
    said = seen.attempt("predict another", lambda: model.predict(other))
    if said is not None:
        check(model, said, case.later_rows, other)


def check(model: Any, said: Any, rows: int, X: Any) -> None:
    """Make sure that predictions are what they should be."""
    assert said.shape == (rows,)
    if isinstance(model, gn.TabularRegressor):
        assert np.isfinite(said).all()
        assert np.isfinite(as_of_many(model.predict, X)).all()
        return
    assert np.isin(said, model.classes_).all()
    shares = model.predict_proba(X)
    assert shares.shape == (rows, len(model.classes_))
    assert np.isfinite(shares).all()
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(as_of_many(model.predict_proba, X).sum(axis=1), 1)


def as_of_many(predict: Callable[[Any], Any], X: Any) -> Any:
    """Return what is said of these rows in the way that is meant for many."""
    with mock.patch.object(ensemble, "EXACT_ROWS", 0):
        return predict(X)


def network(case: strategies.Arrays, seen: Outcomes) -> None:
    """Train a network on arrays of any size, and predict them."""
    layers = [*[gn.Squash()] * case.squash, gn.Dense(3, case.activation)]
    layers.append(gn.Dense(strategies.LAST[case.loss]))
    net = gn.Network(layers, case.X.shape[1], loss=case.loss, dtype=case.dtype, seed=0)

    def learn() -> gn.Network:
        net.start(case.X)
        options = {"members": case.members, "engine": case.engine, "sample_weight": case.w}
        net.fit(case.X, case.y, epochs=3, batch_size=5, optimizer=case.optimizer, **options)
        return net

    if seen.attempt("network", learn) is not None:
        assert np.isfinite(net.theta).all()
        assert net.theta.dtype == case.dtype
        said = seen.attempt("network's predict", lambda: net.predict(case.X))
        if said is None:
            assert huge(case.X, net.theta), "what was learned must be predicted"
            return
        assert said.shape[-2:] == (len(case.X), net.outputs)
        assert not np.isnan(said).any()


def huge(X: Any, *weights: Any) -> bool:
    """Whether scores may be infinite, as those of a run that nearly ran away."""
    largest = max(float(np.abs(each).max()) for each in weights)
    return largest * float(np.abs(X).max()) > 1e9


def perceptron(case: strategies.Arrays, seen: Outcomes) -> None:
    """Train one of scikit-learn's multilayer perceptrons on arrays of any size."""
    classes = gn.Network([gn.Dense(5)], 1, loss=case.loss).loss.classes
    kind = gn.MLPClassifier if classes else gn.MLPRegressor
    solver = case.optimizer if case.members == 1 else "lbfgs"
    model = kind(hidden_layer_sizes=3, solver=solver, max_iter=2, random_state=0)
    X = case.X.astype(case.dtype) if np.abs(case.X).max() < 3e38 else case.X
    if seen.attempt("MLP", lambda: model.fit(X, case.y, sample_weight=case.w)) is not None:
        assert all(np.isfinite(each).all() for each in model.coefs_)
        said = seen.attempt("MLP's predict", lambda: model.predict(X))
        if said is None:
            assert huge(X, *model.coefs_), "what was learned must be predicted"
            return
        assert len(said) == len(X)


def both(case: strategies.Arrays, seen: Outcomes) -> None:
    """Train a network, and a perceptron beside it."""
    network(case, seen)
    perceptron(case, seen)


KINDS: dict[str, tuple[Any, Callable[[Any, Outcomes], None]]] = {
    "tables": (strategies.cases(), tabular),
    "arrays": (strategies.arrays(), both),
}


def examine(kind: str, count: int, number: int) -> tuple[Outcomes, str]:
    """Go through some cases; return the outcomes, and the smallest case that fails, if one does."""
    seen, (cases, go) = Outcomes(), KINDS[kind]

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def run(case: Any) -> None:
        seen[kind] += 1
        go(case, seen)

    try:
        run()
    except Exception:
        return seen, traceback.format_exc()
    return seen, ""


def main(count: int) -> int:
    """Go through so many tables on all cores, and a quarter as many arrays; keep the outcomes."""
    start, seen, failed = time.perf_counter(), Counter[str](), 0
    with ProcessPoolExecutor() as pool:
        parts = [
            pool.submit(examine, kind, min(PART, total), number)
            for kind, total in (("tables", count), ("arrays", -(-count // 4)))
            for number in range(-(-total // PART))
        ]
        for part in as_completed(parts):
            found, why = part.result()
            seen += found
            failed += bool(why)
            if why:
                print(why, flush=True)
    seconds = time.perf_counter() - start
    text = report.grid(("outcome", "times"), [(k, f"{n:,}") for k, n in sorted(seen.items())])
    text += f"\n\n{failed} failures, in {seconds / 60:.0f} minutes."
    print(text)
    if not failed:
        report.section("tables", text)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
