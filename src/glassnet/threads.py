"""How many threads there are, and how many a product wakes: the one face of threadpoolctl."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from threading import Lock
from typing import Any


def one_thread(products_only: bool = True, team: bool = False) -> AbstractContextManager[Any]:
    """Let products run on the thread that asks for them, where threadpoolctl is there to say so.

    A small network's products are over before a second thread is awake; and where several
    processes train at once, threads that wait for each other cost many times the work. Many may
    ask for it at once, each for as long as it wants: it ends with the last of them.

    Parameters
    ----------
    products_only : bool
        Whether loops that are shared out by OpenMP, as scikit-learn has them, are left alone.
    team : bool
        Whether it is asked for by several threads that share the work: then `threads` says what it
        said before.

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
    if products_only:
        return TEAMS if team else ALONE
    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


class Alone(AbstractContextManager[None]):
    """Products on one thread from the first who enters to the last who leaves.

    The number of threads belongs to the process. Would each put back what it found, one that came
    second and left last would put back the first one's limit, for good.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._teams = Lock(), 0, 0
        self._before: list[tuple[Any, int]] = []

    def before(self) -> list[int]:
        """Return how many threads libraries have, or had before teams alone asked for one."""
        with self._lock:
            if self._inside and self._inside == self._teams:
                return [threads for _, threads in self._before]
            return [library.num_threads for library in _libraries(len(sys.modules))]

    def __enter__(self) -> None:
        self.enter()

    def __exit__(self, *error: object) -> None:
        self.leave()

    def enter(self, team: bool = False) -> None:
        """Take one more in, who may be a team."""
        with self._lock:
            if not self._inside:
                self._before = [(one, one.num_threads) for one in _libraries(len(sys.modules))]
                for library, _ in self._before:
                    _set(library, 1)
            self._inside += 1
            self._teams += team

    def leave(self, team: bool = False) -> None:
        """Let one out."""
        with self._lock:
            self._inside -= 1
            self._teams -= team
            if not self._inside:
                for library, threads in self._before:
                    _set(library, threads)


def _set(library: Any, threads: int) -> None:
    """Set a library's number of threads, whichever thread asks.

    threadpoolctl lets only one thread set that of an OpenBLAS, and ignores the others in silence;
    `Alone` keeps those that ask from fighting. Whoever comes next may set it again.
    """
    release = getattr(library, "clear_controlling_thread", lambda force: None)
    release(force=True)
    library.set_num_threads(threads)
    release(force=True)


class Teams(AbstractContextManager[None]):
    """What teams enter: as `Alone`, but they are counted."""

    def __enter__(self) -> None:
        ALONE.enter(team=True)

    def __exit__(self, *error: object) -> None:
        ALONE.leave(team=True)


ALONE, TEAMS = Alone(), Teams()


@lru_cache(maxsize=1)
def _libraries(modules: int) -> list[Any]:
    """Return what products run in: it takes milliseconds to find out, and only imports add some."""
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def threads() -> int:
    """Return on how many threads products run as it is now; 1 where nobody can say.

    Examples
    --------
    >>> with one_thread():
    ...     threads()
    1
    """
    try:
        found = ALONE.before()
    except ModuleNotFoundError:
        return 1
    return min(cores(), *found) if found else 1


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
