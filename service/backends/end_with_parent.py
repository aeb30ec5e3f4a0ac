"""Starts a program that ends when its parent does, however the parent ends.

    python end_with_parent.py PARENT_PID PROGRAM [ARGUMENT ...]

Runs as a script of its own, since only the child can ask the kernel for this. On systems without
`prctl` the program is started all the same; then only an orderly parent ends it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Asks for SIGKILL at the parent's death, then becomes the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before it could be watched
            sys.exit(1)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
