"""How many threads there are, and how many a product wakes: the one face of threadpoolctl."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any


def one_thread(products_only: bool = True) -> AbstractContextManager[Any]:
    """Let products run on the thread that asks for them, where threadpoolctl is there to say so.

    A small network's products are over before a second thread is awake; and where several
    processes train at once, threads that wait for each other cost many times the work.

    Parameters
    ----------
    products_only : bool
        Whether loops that are shared out by OpenMP, as scikit-learn has them, are left alone.

    Examples
    --------
    >>> import numpy as np
    >>> with one_thread():
    ...     product = np.ones((2, 2)) @ np.ones((2, 2))
    """
    try:
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError:
        return nullcontext()
    limits: AbstractContextManager[Any] = threadpool_limits(
        1, user_api="blas" if products_only else None
    )
    return limits


def cores() -> int:
    """Return how many threads can run at a time.

    Examples
    --------
    >>> cores() > 0
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
