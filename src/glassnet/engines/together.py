"""What the source of a compiled step calls beside NumPy: products, and a place for threads to meet.

As text, for the source must say all that is compiled: what Numba has kept on disk goes by it.
"""

from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np

# C = A @ B for matrices in one block: where each begins, how long its rows are and whether it is
# meant transposed. BLAS counts along columns, and so makes B.T @ A.T. `unit` is where 0 and 1 are.
GEMM = """
from numba import types
from numba.np.linalg import _BLAS

_xxgemm = _BLAS().numba_xxgemm(types.{dtype})

@njit
def gemm(m, unit, rows, inner, columns, a, lda, ta, b, ldb, tb, c, ldc):
    _xxgemm({kind}, tb, ta, columns, rows, inner, m[unit + 1:].ctypes, m[b:].ctypes, ldb,
            m[a:].ctypes, lda, m[unit:].ctypes, m[c:].ctypes, ldc)
"""

NEVER = 1 << 62  # who counts so far waits for nobody, now and later
# nobody goes on before all are here; whoever waits long lets others have the processor
WAIT = """
from numba import types
from numba.extending import intrinsic

_give_way = types.ExternalFunction("sched_yield", types.intc())

@intrinsic
def _arrive(context, counter):
    def code(target, builder, signature, arguments):
        array = target.make_array(signature.args[0])(target, builder, arguments[0])
        one = target.get_constant(types.int64, 1)
        return builder.add(builder.atomic_rmw("add", array.data, one, "acq_rel"), one)
    return types.int64(counter), code

@intrinsic
def _arrived(context, counter):
    def code(target, builder, signature, arguments):
        array = target.make_array(signature.args[0])(target, builder, arguments[0])
        return builder.load_atomic(array.data, "acquire", 8)
    return types.int64(counter), code

@njit
def wait(counter, threads):
    number = _arrive(counter)
    last = min((number + threads - 1) // threads * threads, NEVER)
    looks = 0
    while _arrived(counter) < last:
        looks += 1
        if looks > 5000:
            _give_way()
""".replace("NEVER", str(NEVER))


class Team:
    """Threads that call one function at a time, each with its number.

    Parameters
    ----------
    threads : int

    Examples
    --------
    >>> seen = []
    >>> Team(2)(lambda word, number, threads, meeting: seen.append((word, number)), ("x",))
    >>> sorted(seen)
    [('x', 0), ('x', 1)]
    """

    def __init__(self, threads: int) -> None:
        self.threads, self._meeting = threads, np.zeros(8, np.int64)

    def arguments(self, number: int) -> tuple[Any, ...]:
        """Return what a function takes in the end: who calls, of how many, and where they meet."""
        return number, self.threads, self._meeting

    def __call__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """Let every thread call a function, and return when all of them have."""
        self._meeting[...] = 0
        failed = list[BaseException]()
        # an interrupt comes to the main thread, and must not part those who wait for each other
        first = Thread(target=self._first, args=(function, arguments, failed))
        first.start()
        try:
            first.join()
        finally:
            while first.is_alive():
                first.join()
        if failed:
            raise failed[0]

    def _first(self, function: Any, arguments: tuple[Any, ...], failed: list[Any]) -> None:
        def part(number: int) -> None:
            try:
                function(*arguments, *self.arguments(number))
            except BaseException as error:
                failed.append(error)
                self._meeting[0] = NEVER

        others = [Thread(target=part, args=(number,)) for number in range(1, self.threads)]
        try:
            for other in others:
                other.start()
        except RuntimeError as error:  # no thread to be had: let go those that wait already
            failed.append(error)
            self._meeting[0] = NEVER
        else:
            part(0)
        for other in others:
            if other.ident is not None:
                other.join()
