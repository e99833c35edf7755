"""The command ``python -m casebook.design``: it may be stopped while it still imports what it needs."""

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:

    def _stop_early(*_: object) -> None:
        os.write(2, b"Stopped before anything was done.\n")
        os._exit(130)

    signal.signal(signal.SIGINT, _stop_early)

from casebook.design import command

if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as it is in the background of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)
if __name__ == "__main__":
    sys.exit(command.main())
