"""
Ends its process group when the one who started it is gone, kill -9 included.

It leads the group, so that the group's number stays taken for as long as it lives.  Its standard input ends when its writer does.
A script of its own, without imports of ours: it must be there in milliseconds and outlive everything else.
"""

import os
import signal
import sys
import time

GRACE = 5.0

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdin.read()
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(0, signal.SIGKILL)  # itself included
