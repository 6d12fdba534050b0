"""The command etcd-pki: ``python -m etcd_pki``, and the console script."""

import os
import signal
import sys

from etcd_pki import _etcd_pki


def main() -> int:
    """Runs the command with the arguments of this process, and returns its exit code."""
    # Ctrl-C ends it at once, as it ends the binary: Python's own handler would wait until the command returns. Where whoever
    # started it has it ignored, as a shell does behind `&`, it stays ignored
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _open_what_is_closed()
    return _etcd_pki.run(["etcd-pki", *sys.argv[1:]])


def _open_what_is_closed() -> None:
    """Has /dev/null in the place of a standard stream that is closed, as the binary has: the next
    file that is opened would become it, and what is said would be written there.
    """
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            # It takes the lowest number that is free, which is this one
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    sys.exit(main())
