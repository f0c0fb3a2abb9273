"""Makes the images that are merged in the benchmark, from files of this machine.

Two docker-archives, amd64 and arm64, of 15 layers each, the first five of which they share, and one archive with all of
their files in a single layer, as dockerTools.buildImage makes it. The files of a layer belong together (those of one
directory), as in layers of packages. A seed decides which directories are taken, so the same files on one machine
always make the same images. Another machine has other files: compare ratios, not seconds.
"""

import hashlib
import io
import json
import os
import random
import subprocess
import tarfile
from pathlib import Path

SEED = 5
LAYER = 31_000_000  # bytes in the tar: 15 of them make a layered image of about 470 MB
SHARED, OWN = 5, 10
# Increase it after a change of the workload, so that an older cache is not used.
VERSION = 3


def roots():
    """The directories of the files; every machine that builds Rust has enough of them."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip()
    return ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec", "/usr/share", sysroot]


def groups(largest=LAYER):
    """Files by directory, in an order that the seed decides."""
    found = []
    for root in roots():
        for directory, directories, names in os.walk(root):
            directories.sort()
            files = []
            for name in sorted(names):
                path = os.path.join(directory, name)
                # A layer of a single huge file would not be typical.
                if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < largest:
                    files.append(path)
            if files:
                found.append(files)
    random.Random(SEED).shuffle(found)
    return found


def layers(count, least=LAYER, largest=LAYER):
    """Lists of files, each of `least` bytes in a tar or a bit more."""
    layers, files, size = [], [], 0
    for path in (path for group in groups(largest) for path in group):
        files.append(path)
        size += 512 + (os.path.getsize(path) + 511) // 512 * 512
        if size >= least:
            layers.append(files)
            files, size = [], 0
            if len(layers) == count:
                return layers
    raise SystemExit("bench: this machine has too few files to make images of")


def layer(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in files:
            try:
                content = Path(path).read_bytes()
            except OSError:
                continue
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode, member.mtime = len(content), 0o444, 1
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def small_files(number, root, count=20_000):
    """A layer of many files of up to two kilobytes, a hundred in each package, in the order of dockerTools."""
    chosen = random.Random(SEED + number)
    noise = chosen.randbytes(1 << 16)
    files = range(number * count, (number + 1) * count)
    paths = [f"{package(root, i // 100)}/share/lib{i % 10}/some-module-{i}.txt" for i in files]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(paths, key=lambda path: path.split("/")):
            member = tarfile.TarInfo(path)
            member.size = chosen.randint(1, 2000)
            start = chosen.randint(0, len(noise) - member.size)
            tar.addfile(member, io.BytesIO(noise[start : start + member.size]))
    return buffer.getvalue()


# The digits of the hashes in store paths.
DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"


def package(root, number):
    digest = hashlib.sha256(str(number).encode()).digest()
    return f"{root}/{''.join(DIGITS[byte % 32] for byte in digest)}-package-{number}-1.0"


def archive(path, architecture, layers):
    """A docker-archive as dockerTools writes it: layers first, then config and manifest.json."""
    digests = []
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:

        def add(name, content):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 1
            tar.addfile(member, io.BytesIO(content))

        for content in layers:
            digest = hashlib.sha256(content).hexdigest()
            digests.append(digest)
            add(f"{digest}/layer.tar", content)
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        }
        config = json.dumps(config).encode()
        name = hashlib.sha256(config).hexdigest() + ".json"
        add(name, config)
        manifest = {"Config": name, "RepoTags": [f"bench/{architecture}:v1"], "Layers": [f"{d}/layer.tar" for d in digests]}
        add("manifest.json", json.dumps([manifest]).encode())


def entry(name, content=b"", size=None):
    """The blocks of a file in a tar; with a size, its header alone."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content) if size is None else size, 0o755, 1
    return member.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def large_layer():
    """2 GiB that gzip cannot compress."""
    noise = random.Random(SEED).randbytes(64 << 20)
    yield entry("large", size=32 * len(noise))
    for _ in range(32):
        yield noise
    yield bytes(1024)


def many_files():
    """A million executable files."""
    for start in range(0, 1_000_000, 1000):
        path = package("nix/store", start)
        yield b"".join(entry(f"{path}/bin/program-{i}", b"#!/bin/sh\n") for i in range(start, start + 1000))
    yield bytes(1024)


def tiny_layer(i):
    yield entry(f"file-{i}", str(i).encode()) + bytes(1024)


# Large layers, each in pieces: memory must not grow with them.
EXTREMES = {
    "a layer of 2 GiB": lambda: [large_layer()],
    "a layer of a million files": lambda: [many_files()],
    "10,000 layers": lambda: (tiny_layer(i) for i in range(10_000)),
}


def extreme(path, layers):
    """A docker-archive of layers that do not fit into memory."""
    digests = []
    with open(path, "wb") as tar:
        for i, pieces in enumerate(layers):
            start, size, digest = tar.tell(), 0, hashlib.sha256()
            tar.write(bytes(512))
            for piece in pieces:
                tar.write(piece)
                digest.update(piece)
                size += len(piece)
            tar.seek(start)
            tar.write(entry(f"{i}/layer.tar", size=size))
            tar.seek(0, os.SEEK_END)
            digests.append(f"sha256:{digest.hexdigest()}")
        config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": digests}}
        manifest = [{"Config": "config.json", "Layers": [f"{i}/layer.tar" for i in range(len(digests))]}]
        tar.write(entry("config.json", json.dumps(config).encode()))
        tar.write(entry("manifest.json", json.dumps(manifest).encode()) + bytes(1024))


def make(cache, say):
    """Creates the inputs that are not in `cache` yet, and returns their figures."""
    described = cache / f"workload-{VERSION}.json"
    if described.exists():
        return json.loads(described.read_text())
    say("making the images (once)")
    files = layers(SHARED + 2 * OWN)
    contents = [layer(of_layer) for of_layer in files]
    archive(cache / "amd64.tar", "amd64", contents[: SHARED + OWN])
    archive(cache / "arm64.tar", "arm64", contents[:SHARED] + contents[SHARED + OWN :])
    single = layer([path for of_layer in files for path in of_layer])
    archive(cache / "single.tar", "amd64", [single])
    for name in ("amd64", "arm64"):
        with open(cache / f"{name}.tar.gz", "wb") as output:
            # As dockerTools does.
            subprocess.run(["pigz", "-nTRc", cache / f"{name}.tar"], check=True, stdout=output)
    tiny = [layer([path for path in files[i][:1]]) for i in range(SHARED + OWN)]
    archive(cache / "tiny.tar", "amd64", tiny)
    archive(cache / "small-files.tar", "amd64", [small_files(i, "nix/store") for i in range(10)])
    archive(cache / "usr-files.tar", "amd64", [small_files(i, "usr/share") for i in range(10)])
    numbers = {
        "seed": SEED,
        "files": sum(map(len, files)),
        "unique": sum(map(len, contents)),
        "shared": sum(map(len, contents[:SHARED])),
        "single": len(single),
        "sizes": {p.name: p.stat().st_size for p in sorted(cache.glob("*.tar*"))},
    }
    described.write_text(json.dumps(numbers, indent=1))
    return numbers
