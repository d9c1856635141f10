"""What two trainings must have in common, so that one may go on where the other ended."""

import hashlib
import re
from dataclasses import fields
from typing import Any

import numpy as np

from glassnet.training import Training

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # in the repr of what has none of its own


def fingerprint(training: Training, beside: dict[str, Any]) -> dict[str, Any]:
    """Return what must be the same, by name, as JSON can say it.

    What is written in code, as a layer or a loss of one's own, is known by its repr; what is long,
    as a table or weights, by a hash. How many epochs there will be counts only where something
    depends on it.

    Parameters
    ----------
    training : Training
        One that has just begun.
    beside : dict
        What else changes its course: averages, plateaus.
    """
    run, watch, best = training.run, training.watch, training.best
    network, plan = run.network, run.plan
    same: dict[str, Any] = {
        "layers": said(network.layers),
        "inputs": network.inputs,
        "loss": said(network.loss),
        "dtype": network.dtype.name,
        "seed": network.seed,
        "members": network.members,
        "frozen": sorted(network.frozen),
        "engine": training.history.engine,
        "every": training.every,
        "metrics": said(watch.metrics),
        "monitor": watch.monitor,
        "patience": said(best.patience),
        "min_delta": said(best.min_delta),
    }
    same |= {
        field.name: said(getattr(plan, field.name))
        for field in fields(plan)
        if field.name != "engine"  # which of them runs is said above
    }
    same |= {name: said(value) for name, value in beside.items()}
    if run.scheduled or beside.get("average"):
        same["epochs"] = training.epochs
    same["validation"] = None
    if watch.held:
        rows = watch.rows
        same["validation"] = digest(rows.X, rows.places, rows.y, rows.w)
    # after validation, whose rows are taken out of these
    same["X and y"] = digest(run.sparse, run.places, *run.tables.values())
    drawn = said([generator.bit_generator.state for generator in network.generators])
    same["first weights"] = digest(network.theta, np.frombuffer(drawn.encode(), np.uint8))
    return same


def said(thing: Any) -> str:
    """Return the repr of something, the same in every process.

    Examples
    --------
    >>> said(object())
    '<object object>'
    """
    return ADDRESS.sub("", repr(thing.tolist() if isinstance(thing, np.ndarray) else thing))


def digest(*arrays: Any) -> str:
    """Return a hash of arrays, sparse ones among them, or None.

    Examples
    --------
    >>> digest(np.zeros(2)) == digest(np.zeros((2, 1)))
    False
    """
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        if hasattr(array, "tocsr"):
            rows = array.tocsr()
            found.update(digest(rows.indptr, rows.indices, rows.data).encode())
            continue
        array = np.ascontiguousarray(() if array is None else array)
        found.update(f"{array.dtype.str} {array.shape}".encode())
        found.update(array.data)
    return found.hexdigest()
