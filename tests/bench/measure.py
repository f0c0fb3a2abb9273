"""Runs commands and measures them, for the tables of `make bench`."""

import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

CORES = len(os.sched_getaffinity(0))
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
MIB = 1 << 20


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Run:
    """Time and memory of one run of a command."""

    def __init__(self, wall, cpu, rss, foreign, size):
        self.wall, self.cpu, self.rss, self.foreign, self.size = wall, cpu, rss, foreign, size


def busy():
    """Seconds that all processors have worked, and that the hypervisor has taken."""
    fields = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def size_of(path):
    """The bytes of a file or of all files below a directory."""
    path = Path(path)
    if path.is_file():
        return path.stat().st_size
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file() and not p.is_symlink())


def remove(*paths):
    for path in paths:
        shutil.rmtree(path, ignore_errors=True) if Path(path).is_dir() else Path(path).unlink(missing_ok=True)


def measure(script, work, output):
    """Runs a shell script that makes `output` in the directory `work`; None if it fails.

    The peak is that of its largest process. /usr/bin/time starts it, because a process begins with the peak of the one that
    started it, and Python's is larger than polyarch's.
    """
    remove(*work.glob("out*"))
    if not str(work).startswith("/dev/shm"):
        os.sync()
    times = work / "times"
    command = ["/usr/bin/time", "-q", "-f", "%U %S %M", "-o", times, "bash", "-euc", script]
    before, start = busy(), time.perf_counter()
    done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wall, after = time.perf_counter() - start, busy()
    if done.returncode != 0:
        message = done.stderr.strip().splitlines()
        say(f"failed: {script}: {message[-1][:300] if message else done.returncode}")
        return None
    user, system, rss = times.read_text().split()
    cpu = float(user) + float(system)
    foreign = max(0.0, after - before - cpu) / (wall * CORES)
    return Run(wall, cpu, int(rss) * 1024, foreign, size_of(work / output))


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


def version(command, *arguments):
    """The version that a command says it has, or None if it is missing."""
    try:
        said = subprocess.run([*shlex.split(command), *(arguments or ["--version"])], capture_output=True, text=True)
    except OSError:
        return None
    found = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return found.group() if said.returncode == 0 and found else None


def seconds(runs, field):
    value = median(runs, field)
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def megabytes(runs, field):
    return f"{median(runs, field) / 1e6:.1f}"


def peak(runs, field):
    return f"{max(getattr(run, field) for run in runs) / MIB:.0f}"


def other(runs):
    """The share of the machine that other processes took; the kernel counts in hundredths of a second, too coarse for short runs."""
    return f"{median(runs, 'foreign'):.0%}" if min(run.wall for run in runs) > 0.1 else "–"


def verdict(checks):
    return "–" if not checks else "yes" if all(checks) else "**no**"


def table(head, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])
