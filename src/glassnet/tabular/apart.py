"""Members that learn in a process of their own.

A step of a small network is a hundred short calls, and after each a thread needs what Python gives
to one at a time: two threads then take as long as one. What a process learns is what a thread
would have, bit for bit, so wherever there is none to be had the members learn in a thread.
"""

import os
import pickle
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock, Thread
from typing import Any

import glassnet
from glassnet.threads import one_thread

MARK = b"glassnet's answer\n"  # whatever is written before it comes from how this Python begins
# what a process runs: it is told where modules are, and then what to do
CODE = f"""
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from {__name__} import work
work()
"""


def command() -> list[str] | None:
    """Return what starts a Python like this one, or None where there may be none.

    Examples
    --------
    >>> command() is None or "python" in command()[0]
    True
    """
    known = Path(sys.executable or "").name.lower().startswith(("python", "pypy"))
    frozen = getattr(sys, "frozen", False)  # then it is the program itself that would start
    return [sys.executable, "-P", "-c", CODE] if known and not frozen else None


def places() -> list[str]:
    """Return where the modules of this process are, but for the folder that it happens to be in.

    Examples
    --------
    >>> "" in places()
    False
    """
    own = str(Path(glassnet.__file__).resolve().parents[1])
    return [*filter(os.path.isabs, sys.path), own]


class Apart:
    """A process that lets something be trained: ``lesson.train(members)``, until it is stopped.

    Parameters
    ----------
    lesson : object
        With a method `train`, and the time at which training is to end, `end`.
    members : range
    """

    def __init__(self, lesson: Any, members: range) -> None:
        self._task = pickle.dumps((lesson, members))
        self._pipe: Any = None  # by which the process is told to stop, once there is one
        self._stopped, self._speaking = False, Lock()

    def result(self) -> Any:
        """Return what it comes to; None if it comes to nothing, for whatever reason."""
        program = command()
        if program is None:
            return None
        how: dict[str, Any] = {"start_new_session": True}  # it does not hear of Ctrl-C
        if sys.platform == "win32":
            from subprocess import CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW

            how = {"creationflags": CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW}
        try:
            with Popen(program, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, **how) as process:
                try:
                    self._tell(process.stdin)
                    said: Any = process.stdout
                    while (line := said.readline()) and not line.endswith(MARK):
                        pass
                    return pickle.load(said)
                finally:
                    process.kill()
        except (OSError, EOFError, pickle.UnpicklingError):
            return None

    def _tell(self, pipe: Any) -> None:
        with self._speaking:
            pickle.dump(places(), pipe)
            pipe.write(self._task)
            pipe.flush()
            self._pipe = pipe
        if self._stopped:  # before there was a process to be told
            self.stop()

    def stop(self) -> None:
        """Let it end with its epoch."""
        with self._speaking:
            self._stopped = True
            if self._pipe is not None:
                with suppress(OSError, ValueError):  # it has ended already
                    self._pipe.write(b".")
                    self._pipe.flush()


def work() -> None:
    """Do what `Apart` asks of the process that this is, and end it."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed goes where errors go
    warnings.simplefilter("ignore")
    lesson, members = pickle.load(sys.stdin.buffer)
    Thread(target=_listen, args=(lesson,), daemon=True).start()
    with one_thread():
        trained = lesson.train(members)
    answer.write(MARK)
    pickle.dump(trained, answer)
    answer.flush()
    os._exit(0)  # without waiting for who listens


def _listen(lesson: Any) -> None:
    """End a training when told to; and at once when who asked for it is gone."""
    while sys.stdin.buffer.read(1):
        lesson.end = 0.0
    os._exit(1)
