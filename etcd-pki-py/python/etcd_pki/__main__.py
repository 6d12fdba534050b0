"""The command etcd-pki: ``python -m etcd_pki``, and the console script."""

import os
import signal
import sys

from etcd_pki import _etcd_pki


def main() -> int:
    """Runs the command with the arguments of this process, and returns its exit code."""
    # Ctrl-C ends the command at once, like the binary: Python's own handler would wait until the
    # command returns. If the signal was ignored at the start, as with `&` in a shell, it stays
    # ignored
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _open_what_is_closed()
    return _etcd_pki.run(["etcd-pki", *sys.argv[1:]])


def _open_what_is_closed() -> None:
    """Opens /dev/null for each closed standard stream, as the binary does. Otherwise the next file
    that is opened would take its number, and messages would be written into that file.
    """
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            # The new descriptor gets the lowest free number, which is this one
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    sys.exit(main())
