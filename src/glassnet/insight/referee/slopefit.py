"""A slope that is none of the known formulas, found as a combination of simple ones.

The gradient of a weight is linear in the slope that was used. So if that slope is c0 + c1 a +
c2 a^2, the three numbers follow from the gradient by least squares; they are believed if they
leave nothing over, in all scenes together.
"""

from typing import Any

import numpy as np

from glassnet.insight.referee.scene import Scene
from glassnet.vocabulary import Array

EXACT = 1e-7
# names of the parts of a slope, and the parts, given z and a
BASES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("1", "a", "a^2"), lambda z, a: [np.ones_like(a), a, a * a]),
    (("1", "z", "z^2"), lambda z, a: [np.ones_like(z), z, z * z]),
    (("where z > 0", "where z <= 0"), lambda z, a: [(z > 0) * 1.0, (z <= 0) * 1.0]),
    (("1", "a", "z a"), lambda z, a: [np.ones_like(a), a, z * a]),
)


def fitted_slope(
    scenes: list[Scene], layer: int, errors: list[Array], z: list[Array], a: list[Array]
) -> tuple[list[Array], str] | None:
    """Return deltas with the slope that gives what was used, and the slope written down.

    ``errors`` are the derivatives by a in every scene, to which the slope is a factor.
    """
    wanted = np.concatenate([scene.used_W[layer].reshape(-1) for scene in scenes])
    if not np.isfinite(wanted).all() or not wanted.any():
        return None
    for names, parts in BASES:
        for rows in (0, 1, -1):
            columns = []
            for scene, error, zs, values in zip(scenes, errors, z, a, strict=True):
                size = float(scene.sample.rows) ** rows
                made = [scene.a[layer].T @ (error * part) * size for part in parts(zs, values)]
                columns.append(np.stack([one.reshape(-1) for one in made], axis=1))
            design = np.concatenate(columns)
            if len(design) < 2 * len(names) + 2 or not np.isfinite(design).all():
                continue
            factors, _, rank, _ = np.linalg.lstsq(design, wanted, rcond=1e-10)
            off = np.linalg.norm(design @ factors - wanted)
            if rank < len(names) or off > EXACT * np.linalg.norm(wanted):
                continue
            deltas = [
                error * sum(f * part for f, part in zip(factors, parts(zs, values), strict=True))
                for error, zs, values in zip(errors, z, a, strict=True)
            ]
            return deltas, written(names, factors)
    return None


def written(names: tuple[str, ...], factors: Array) -> str:
    """Return a combination as a formula, small factors left out.

    Examples
    --------
    >>> written(("1", "a", "a^2"), np.array([0.0, 1.0, -1.0]))
    'a - a^2'
    """
    text = ""
    largest = float(np.abs(factors).max())
    for name, factor in zip(names, factors, strict=True):
        if abs(factor) < 1e-6 * largest:
            continue
        size = f"{abs(float(factor)):.4g}"
        term = size if name == "1" else name if size == "1" else f"{size} {name}"
        sign = "-" if factor < 0 else "+" if text else ""
        text += f" {sign} {term}" if text else f"{sign}{term}"
    return text
