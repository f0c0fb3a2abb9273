"""nix-daemon of a remote builder: DIRECTORY ARGUMENT…

The files DIRECTORY-to.PID and DIRECTORY-from.PID have the number of bytes of each connection so far: Nix kills this
program at the end of a connection. A connection breaks, and its daemon dies, after as many bytes of the daemon as
DIRECTORY-limit says; or when the file DIRECTORY-die exists, with the builds of the daemon.
"""

import os
import signal
import subprocess
import sys
import threading
import time

directory, arguments = sys.argv[1], sys.argv[2:]
try:
    with open(f"{directory}-limit") as file:
        limit = int(file.read())
except FileNotFoundError:
    limit = None
daemon = subprocess.Popen(
    ["nix-daemon", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
)
counts = {"to": 0, "from": 0}


def count(name, data):
    counts[name] += len(data)
    with open(f"{directory}-{name}.{os.getpid()}", "w") as file:
        file.write(f"{counts[name]}\n")


def to_daemon():
    while data := os.read(0, 1 << 16):
        count("to", data)
        while data:
            data = data[daemon.stdin.write(data):]
    daemon.stdin.close()


def die():
    while not os.path.exists(f"{directory}-die"):
        time.sleep(0.05)
    # Like a machine that loses its power: nothing cleans up.
    os.killpg(daemon.pid, signal.SIGKILL)
    os._exit(1)


threading.Thread(target=to_daemon, daemon=True).start()
threading.Thread(target=die, daemon=True).start()
while data := daemon.stdout.read(1 << 16):
    if limit is not None:
        data = data[:limit - counts["from"]]
    count("from", data)
    while data:
        data = data[os.write(1, data):]
    if counts["from"] == limit:
        daemon.kill()
        break
os._exit(0)
