"""Generated source as files, so that Numba keeps what it has compiled from one process to the next.

What lies in the folder is run, so only its owner may write there; a folder that others can write
is never used.
"""

import atexit
import hashlib
import importlib.util
import os
import shutil
import stat
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType


def folder() -> Path:
    """Return the folder of generated source, made if it is not there.

    It is ``GLASSNET_CACHE``, or ``glassnet`` in the user's folder of caches, or, where neither is
    the user's alone, a new folder that nobody else knows and that later processes do not find.
    """
    own = os.environ.get("GLASSNET_CACHE")
    place = Path(own) if own else _caches() / "glassnet"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        compiled = place / "__pycache__"  # Numba's, whose files may be anybody's to write
        compiled.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return _temporary()
    return place if private(place) and private(compiled) else _temporary()


def private(place: Path) -> bool:
    """Whether only the user can write into a folder, and can.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as made:
    ...     private(Path(made))
    True
    """
    if not os.access(place, os.W_OK):
        return False
    if not hasattr(os, "getuid"):  # Windows: a user's own folders are closed to others
        return True
    found = place.stat()
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def forget(name: str) -> None:
    """Remove what Numba has kept of a module."""
    for kept in (folder() / "__pycache__").glob(f"{name}.*.nb?"):
        kept.unlink(missing_ok=True)


def _caches() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@cache
def _temporary() -> Path:
    made = Path(tempfile.mkdtemp(prefix="glassnet-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def module(text: str) -> ModuleType:
    """Return generated source as a module, from a file whose name is its hash."""
    name = f"step_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    path = folder() / f"{name}.py"
    if not path.exists() or path.read_bytes() != text.encode():
        fresh, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(fresh, "wb") as file:
            file.write(text.encode())
        os.replace(temporary, path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made  # where Numba looks up what it has kept
    spec.loader.exec_module(made)
    return made
