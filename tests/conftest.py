"""What holds for all tests."""

import signal

# who runs the tests in the background may have turned Ctrl-C off, and some tests press it
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
