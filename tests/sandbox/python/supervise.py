"""Runs a command and ends it, with all that it started, once this process's standard input closes.

The sandbox holds the other end of that pipe. However the sandbox ends (normally, by Ctrl-C, by
SIGKILL), the pipe closes and nothing of the command's process group is left. This process is
started as the leader of that group.
"""

import os
import signal
import subprocess
import sys
import threading

PATIENCE_SECONDS = 3


def end(child):
    child.terminate()
    try:
        child.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    os.killpg(0, signal.SIGKILL)  # the group, this process with it


def main():
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def watch():
        while sys.stdin.buffer.read(1):
            pass
        end(child)

    threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: end(child))
    child.wait()
    os.killpg(0, signal.SIGKILL)


main()
