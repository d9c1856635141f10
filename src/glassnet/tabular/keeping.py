"""Where members that learn a table keep their trainings: a checkpoint for each group of them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glassnet.files.checkpoint import ELSE, Checkpoint, locked
from glassnet.files.container import StrPath

GROUP = re.compile(r"group-\d+-of-(\d+)(-try-\d+)?\.safetensors")


class Keeper:
    """A folder with a checkpoint for each group of members, and for each try.

    What members learn does not depend on how they are shared out, but what is kept does. So a
    training goes on in as many groups as it began with, whatever number of cores there is by now.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def groups(self, threads: int, members: int) -> int:
        """Return among how many groups members are shared out: as before, or one a thread."""
        names = sorted(path.name for path in self.folder.iterdir())
        found = {int(name[1]) for name in map(GROUP.fullmatch, names) if name}
        if not found:
            return threads
        if len(found) > 1 or max(found) > members:
            raise ValueError(
                f"checkpoint: {self.folder} is of another training (groups of members: "
                f"{', '.join(map(str, sorted(found)))}); {ELSE}"
            )
        return max(found)

    def file(self, group: int, groups: int, attempt: int) -> Checkpoint:
        """Return the checkpoint of one group in one try, all counted from 1."""
        again = f"-try-{attempt}" if attempt > 1 else ""
        return Checkpoint(self.folder / f"group-{group}-of-{groups}{again}.safetensors")


@contextmanager
def keeping(given: StrPath | None) -> Iterator[Keeper | None]:
    """Open a folder for the trainings of a table's members, if one is given."""
    if given is None:
        yield None
        return
    with locked(given) as folder:
        yield Keeper(folder)
