"""Engines: what runs a training step. Each is another reader of the recorded lines.

The replay is the engine that is always there. `compiled` hands the same lines to Numba, and
`eager` runs the layers' own code, so that a debugger can stop in it.
"""

from glassnet.engines.choice import start

__all__ = ["start"]
