"""The command etcd-pki: ``python -m etcd_pki``, and the console script."""

import signal
import sys

from etcd_pki import _etcd_pki


def main() -> int:
    """Runs the command with the arguments of this process, and returns its exit code."""
    # Ctrl-C ends it at once, as it ends the binary: Python's own handler would wait until the command returns
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _etcd_pki.run(["etcd-pki", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
