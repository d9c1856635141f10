"""A network in a table: its layers, what leaves them, and their parameters."""

from glassnet.base import Base


class Text(str):
    """A text that a Python prompt shows as it prints."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def summary(network: Base) -> Text:
    """Return the table that `Network.summary` shows."""
    rows = [("", "layer", "outputs", "parameters", "count")]
    width = network.inputs
    for number, (layer, places) in enumerate(
        zip(network.layers, network.layout.places, strict=True), 1
    ):
        width = layer.outputs(width)
        shapes = " ".join(f"{name} {place[2].shape}" for name, place in places.items())
        count = sum(stop - start for start, stop, _ in places.values())
        kept = " (frozen)" if number in network.frozen else ""
        rows.append((str(number), repr(layer) + kept, str(width), shapes, f"{count:,}"))
    members = "" if network.members is None else f", {network.members} members"
    total = f"{network.loss!r}, {network.dtype.name}{members}"
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = [
        f"{a:>{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:<{widths[3]}}  {e:>{widths[4]}}"
        for a, b, c, d, e in rows
    ]
    size = f"{network.layout.size:,}"
    lines.append(f"{total}{size:>{max(len(lines[0]) - len(total), len(size) + 2)}}")
    return Text("\n".join(lines))
