"""Random tables through fit and predict: python tests/fuzz/tables.py COUNT.

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
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

import glassnet as gn

sys.path.insert(0, str(Path(__file__).parent))
import report
import strategies

PART = 250  # cases that one process goes through, from one seed
NAMED = re.compile(r"(X|y|sample_weight|categorical_features|column .+?)(:| has )")
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
            warnings.simplefilter("ignore", gn.DivergenceWarning)  # a sentence of ours
            try:
                result = call()
            except (ValueError, TypeError) as error:
                told = NAMED.match(str(error))
                assert told, f"no argument is named: {error}"
                assert "\n" not in str(error), f"more than a sentence: {error}"
                self[f"{what} refused: {told[1].split()[0]}"+re.sub("[0-9]","",str(error))[:70]] += 1
                return None
        self[f"{what} done"] += 1
        return result


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
        return
    assert np.isin(said, model.classes_).all()
    shares = model.predict_proba(X)
    assert shares.shape == (rows, len(model.classes_))
    assert np.isfinite(shares).all()
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def examine(count: int, number: int) -> tuple[Outcomes, str]:
    """Go through some cases; return the outcomes, and the smallest case that fails, if one does."""
    seen = Outcomes()

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategies.cases())
    def run(case: strategies.Case) -> None:
        seen["cases"] += 1
        tabular(case, seen)

    try:
        run()
    except Exception:
        return seen, traceback.format_exc()
    return seen, ""


def main(count: int) -> int:
    """Go through so many cases on all cores, and keep the outcomes in the docs."""
    start, seen, failed = time.perf_counter(), Counter[str](), []
    parts = range(-(-count // PART))
    with ProcessPoolExecutor() as pool:
        for found, why in pool.map(partial(examine, min(PART, count)), parts):
            seen += found
            if why:
                failed.append(why)
                print(why)
    seconds = time.perf_counter() - start
    text = report.grid(("outcome", "times"), [(k, f"{n:,}") for k, n in sorted(seen.items())])
    text += f"\n\n{len(failed)} failures; {seen['cases'] / seconds:.0f} tables a second."
    print(text)
    if not failed:
        report.section("tables", text)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
