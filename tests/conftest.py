"""What holds for all tests."""

import signal
from collections.abc import Iterator

import numpy as np
import pytest

# who runs the tests in the background may have turned Ctrl-C off, and some tests press it
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def numpy_as_it_was() -> Iterator[None]:
    """What NumPy warns of is the user's to say: no call leaves it otherwise than it was."""
    before = np.geterr(), np.getbufsize()
    yield
    assert (np.geterr(), np.getbufsize()) == before
