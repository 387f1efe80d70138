"""What all tests stand on."""

import signal

# What a shell starts in the background ignores Ctrl-C, and so would all processes of these tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
