"""
End this process group when the process that started it is gone, even by kill -9: then standard input ends.

It leads the group, so that the group's id stays taken while it lives.  It imports nothing of ours, because it must start in
milliseconds and outlive all other processes.
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
