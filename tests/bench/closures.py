"""Measures the whole road, from a realized closure to a layout: dockerTools' stream and other tools, and polyarch from the conf.

    tests/bench/run closures            all rows (some minutes); writes their table into docs/benchmarks.md
    tests/bench/run closures --quick    prints one pair of runs of the most important rows

The closures are made of files of this machine, in a store below target/bench. The stream is tests/integration/inputs/
dockertools_conf/stream.py: it follows the rules of nixpkgs' script and makes each layer twice, as that does. The customisation
layer is empty.
"""

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import tarfile
from pathlib import Path

import workload
from measure import CORES, MIB, RUNS, measure, median, other, peak, say, seconds, table, verdict, version

PROJECT = Path(__file__).resolve().parents[2]
CACHE = PROJECT / "target/bench/closures"
NEWER = PROJECT / "target/newer/bin"
STREAM = PROJECT / "tests/integration/inputs/dockertools_conf/stream.py"
# Increase it after a change of the closures, so that an older cache is not used.
VERSION = 3
LAYERS = 13  # besides the app and the customisation layer
BIG = 23_000_000  # bytes in a layer of the big closure: with the app 300 MB
LARGEST = 4_000_000  # bytes in a file of it, so that there are as many files as in packages
SMALL_FILES = 50_000
DROP_CACHES = Path("/proc/sys/vm/drop_caches")


# ---- The closures


class Store:
    """Creates store paths and the confs that name them."""

    def __init__(self, directory):
        self.directory = directory

    def path(self, name):
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        return self.directory / f"{digest}-{name}"

    def write(self, path, content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def package(self, name, files):
        """A store path of copies of files of the machine."""
        root = self.path(name)
        for file in files:
            target = root / file.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            target.chmod(0o444)
        return root

    def small_package(self, name, files, pool):
        """A store path of files of one to four kilobytes."""
        root, chosen = self.path(name), random.Random(name)
        for i in range(files):
            start, size = chosen.randrange(len(pool) - 4096), chosen.randint(1000, 4000)
            self.write(root / f"lib/module-{i // 100}/part-{i}.txt", pool[start : start + size])
        return root

    def app(self, name, files, change=False):
        """The app itself: 40 files, of which a rebuild changes one."""
        root = self.path(name)
        for i, content in enumerate(files):
            self.write(root / f"share/app/{i}", content + b"changed" * (change and i == 0))
        return root

    def customisation(self):
        root = self.path("customisation-layer")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
            top = tarfile.TarInfo("./")
            top.type, top.mode, top.mtime = tarfile.DIRTYPE, 0o755, 315532800
            tar.addfile(top)
        self.write(root / "layer.tar", buffer.getvalue())
        self.write(root / "checksum", hashlib.sha256(buffer.getvalue()).hexdigest().encode())
        return root

    def conf(self, path, architecture, paths, top):
        conf = {
            "architecture": architecture,
            "config": {"Cmd": ["/bin/app"]},
            "os": "linux",
            "store_dir": str(self.directory),
            "from_image": None,
            "store_layers": [[str(path)] for path in paths],
            "customisation_layer": str(top),
            "repo_tag": "bench:v1",
            "created": "1970-01-01T00:00:01+00:00",
            "mtime": "1970-01-01T00:00:01+00:00",
            "uid": "0",
            "gid": "0",
            "uname": "root",
            "gname": "root",
        }
        path.write_text(json.dumps(conf))


def make():
    """Creates the closures that are missing, and returns their figures."""
    described = CACHE / f"closures-{VERSION}.json"
    if described.exists():
        return json.loads(described.read_text())
    say("making the closures (once)")
    shutil.rmtree(CACHE, ignore_errors=True)
    store = Store(CACHE / "store")
    store.directory.mkdir(parents=True)
    shared = workload.SHARED
    own = LAYERS - shared
    packages = [store.package(f"package-{i}", files) for i, files in enumerate(workload.layers(shared + 2 * own, BIG, LARGEST))]
    # Text of this machine, which compresses as that of packages does.
    pool = b"".join(Path(file).read_bytes() for group in workload.groups() for file in group[:1] if file.endswith((".h", ".py", ".txt", ".html", ".pm", ".rs")))[: 64 << 20]
    start = random.Random(workload.SEED)
    files = [pool[at : at + 50_000] for at in (start.randrange(len(pool) - 50_000) for _ in range(40))]
    top = store.customisation()
    figures = {}
    for architecture, of_architecture in (("amd64", packages[: shared + own]), ("arm64", packages[:shared] + packages[shared + own :])):
        for name, change in (("", False), ("-new", True)):
            app = store.app(f"app-{architecture}{name}", files, change)
            store.conf(CACHE / f"{architecture}{name}.json", architecture, [*of_architecture, app], top)
    small = [store.small_package(f"small-{i}", SMALL_FILES // (LAYERS + 1), pool) for i in range(LAYERS + 1)]
    store.conf(CACHE / "small.json", "amd64", small, top)
    for name in ("amd64", "arm64", "small"):
        paths = [Path(path) for layer in json.loads((CACHE / f"{name}.json").read_text())["store_layers"] for path in layer]
        sizes = [file.stat().st_size for path in paths for file in path.rglob("*") if file.is_file()]
        figures[name] = {"files": len(sizes), "bytes": sum(sizes), "layers": len(paths) + 1}
    described.write_text(json.dumps(figures))
    return figures


# ---- The rows


class Tools:
    """The other tools, the newest of Debian where `tests/newer-tools` got them."""

    def __init__(self):
        def find(name):
            return str(NEWER / name) if (NEWER / name).exists() else shutil.which(name)

        self.skopeo = os.environ.get("SKOPEO") or find("skopeo")
        self.oras, self.pigz = find("oras"), find("pigz")
        found = {"skopeo": self.skopeo, "oras": self.oras, "pigz": self.pigz}
        self.missing = [name for name, command in found.items() if not command]
        self.versions = [f"{name} {version(command, *(['version'] if name == 'oras' else []))}" for name, command in found.items() if command]

    def copy(self, archive, tag="amd64"):
        return f"{self.skopeo} --insecure-policy copy -q docker-archive:{archive} oci:out:{tag}"

    def index(self):
        """Without oras there is no index, which is less work."""
        return f"; {self.oras} manifest index create --oci-layout out:latest amd64 arm64" if self.oras else ""


def stream(conf, output):
    return f"python3 {STREAM} {CACHE}/{conf}.json {output}"


class Row:
    """A line of the table: polyarch and another way to the same image, in turn."""

    def __init__(self, name, title, ours, peer, script, target=None, cold=False, seconds=None, limit=None, quick=True):
        self.name, self.title, self.ours, self.peer, self.script = name, title, ours, peer, script
        self.target, self.cold, self.seconds, self.limit, self.quick = target, cold, seconds, limit, quick

    def run(self, work, runs):
        say(f"{self.name}: {self.title}")
        ours, theirs = [], []
        for _ in range(runs):
            for script, results in ((self.ours, ours), (self.script, theirs)):
                if self.cold:
                    drop_caches()
                results.append(measure(script, work, "out"))
        if None in ours:
            raise SystemExit(f"bench: polyarch failed: {self.ours}")
        return Result(self, ours, theirs if None not in theirs else [])


class Result:
    def __init__(self, row, ours, theirs):
        self.row, self.ours, self.theirs = row, ours, theirs

    def cells(self, limits):
        row, wall = self.row, median(self.ours, "wall")
        ratio = wall / median(self.theirs, "wall") if self.theirs else None
        checks, targets = [], []
        if row.target and ratio:
            checks.append(ratio <= row.target)
            targets.append(f"≤ {row.target} ×")
        if row.seconds:
            checks.append(wall <= row.seconds)
            targets.append(f"≤ {row.seconds} s")
        limit = "–"
        if row.limit and limits:
            times, most = wall / row.limit(limits), 1.15
            limit = f"{times:.2f} (≤ {most}: {verdict([times <= most])})"

        def both(format_of, field):
            return " / ".join(format_of(runs, field) if runs else "–" for runs in (self.ours, self.theirs))

        return [
            f"{row.title} (`{row.name}`)",
            row.peer,
            both(seconds, "wall"),
            f"**{ratio:.3f}**" if ratio else "–",
            ", ".join(targets) or "–",
            verdict(checks),
            both(seconds, "cpu"),
            limit,
            both(peak, "rss"),
            other(self.ours + self.theirs),
            str(len(self.ours)),
        ]


HEAD = [
    "work", "compared with", "s, ours / theirs", "ratio", "target", "reached", "processor s, ours / theirs", "÷ limit",
    "peak MiB, ours / theirs", "other load", "pairs",
]  # fmt: skip


def rows(polyarch, tools, figures):
    def merge(arguments):
        return f"{polyarch} merge -q --platform-check off -o out {arguments}"

    def conf(name):
        return f"{CACHE}/{name}.json"

    def compressing(limits):
        return limits["megabytes"] / limits["gzip 2"] / CORES

    file = "stream to a file, then skopeo"
    piped = "stream into `polyarch merge`"

    def both(suffix):
        parts = [f"{stream(arch + suffix, f'>out-{arch}.tar')}; {tools.copy(f'out-{arch}.tar', arch)}" for arch in ("amd64", "arm64")]
        return "; ".join(parts) + tools.index()

    index = " + oras" if tools.oras else " (without an index)"
    big, small = "300 MB closure", "50,000 small files"
    found = []
    if tools.skopeo:
        skopeo = f"; {tools.copy('out.tar')}"
        found += [
            Row("big", f"{big} → layout", merge(conf("amd64")), file, stream("amd64", ">out.tar") + skopeo, 0.2, limit=compressing),
            Row("small", f"{small} → layout", merge(conf("small")), file, stream("small", ">out.tar") + skopeo, 0.07),
        ]
    found += [
        Row("big-stream", f"{big} → layout", merge(conf("amd64")), piped, f"{stream('amd64', '|')} {merge('-')}", 0.25),
        Row("small-stream", f"{small} → layout", merge(conf("small")), piped, f"{stream('small', '|')} {merge('-')}", 0.08),
    ]
    if may_drop_caches():
        found.append(Row("small-cold", f"{small}, not in the page cache", merge(conf("small")), "the stream alone, to a file", stream("small", ">out"), 0.1, cold=True))
    if tools.skopeo and tools.pigz:
        gz = f"{stream('amd64', '|')} {tools.pigz} -nTR >out.tar.gz; "
        found += [
            Row("big-gz", f"{big} → layout, from the conf", merge(conf("amd64")), "`.tar.gz` (pigz), then skopeo", gz + tools.copy("out.tar.gz"), quick=False),
            Row("big-gz-polyarch", "the same", merge(conf("amd64")), "`.tar.gz` (pigz), then `polyarch merge`", gz + merge("out.tar.gz"), quick=False),
        ]
    if tools.skopeo:
        reuse = f"--layer-records --reuse old {conf('amd64-new')} {conf('arm64-new')}"
        found += [
            Row("two", "two platforms of 300 MB → multi-platform layout", merge(f"{conf('amd64')} {conf('arm64')}"), f"streams, skopeo{index}", both(""), quick=False),
            # 0.1 s, and the time for the layers of the app: 4 MB.
            Row("rebuild-link", "one file of the app changed, two platforms; layers linked", merge("--link " + reuse), f"streams, skopeo{index}", both("-new"), seconds=0.13),
            Row("rebuild-copy", "the same, layers verified and copied", merge(reuse), "the same without `--reuse`", merge(f"{conf('amd64-new')} {conf('arm64-new')}")),
        ]  # fmt: skip
    return found


def may_drop_caches():
    return os.access(DROP_CACHES, os.W_OK)


def drop_caches():
    """Drops the page cache, and reads the programs again: both ways start with them in memory."""
    os.sync()
    DROP_CACHES.write_text("3\n")
    subprocess.run([os.environ["POLYARCH"], "--version"], stdout=subprocess.DEVNULL, check=True)
    subprocess.run(["python3", "-c", "import hashlib, json, tarfile, threading, datetime"], check=True)


# ---- The table


def parts(work, polyarch, measure_limits):
    """The paragraphs of the section. `measure_limits` returns the speeds of the machine for a file, which needs a build; None for a
    quick run."""
    figures = make()
    tools = Tools()
    quick = measure_limits is None
    chosen = [row for row in rows(polyarch, tools, figures) if row.quick or not quick]
    # What an earlier build has left.
    old = [polyarch, "merge", "-q", "--platform-check", "off", "--layer-records", "-o", work / "old", CACHE / "amd64.json", CACHE / "arm64.json"]
    subprocess.run(old, check=True, stdout=subprocess.DEVNULL)
    results = [row.run(work, 1 if quick else RUNS) for row in chosen]
    # Of the bytes of the closure: other files compress at another speed.
    limits = None
    if not quick:
        subprocess.run(["sh", "-c", stream("amd64", f">{work}/closure.tar")], check=True)
        closure = work / "closure.tar"
        limits = measure_limits(closure) | {"megabytes": closure.stat().st_size / 1e6}
    shutil.rmtree(work / "old")
    sizes = "; ".join(f"{name}: {f['bytes'] / 1e6:.0f} MB in {f['files']} files, {f['layers']} layers" for name, f in figures.items())
    allowed = 32 + 8 * CORES
    most = max(run.rss for result in results for run in result.ours) / MIB
    missing = f" Missing here: {', '.join(tools.missing)}." if tools.missing else ""
    cold = "" if may_drop_caches() else " Only root can empty the page cache, so the row for that is missing."
    return [
        f"Closures: {sizes}. Peers: {', '.join(tools.versions)}.{missing}{cold} nix2container is not "
        "compared: building its tool needs Go modules from the network.",
        table(HEAD, [result.cells(limits) for result in results]),
        f"Peak memory of polyarch: {most:.0f} MiB; target ≤ 32 MiB + 8 MiB per job = {allowed} MiB: {verdict([most <= allowed])}.",
    ]
