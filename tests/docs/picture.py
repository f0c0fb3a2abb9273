#!/usr/bin/env python3
"""Writes docs/analysis.png: the page of `polyarch analyze --html` for the image of a Python application, as Chromium
shows it. `make docs-picture` runs this after a change of the page.

The image has the shape that dockerTools.buildLayeredImage gives it: one layer for each store path, and one layer with
copies outside of the store. Its files are those of Debian's packages in target/examples (tests/examples/get).
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
POLYARCH = os.environ.get("POLYARCH", PROJECT / "target/debug/polyarch")
PARTS = PROJECT / "target/examples"
PICTURE = PROJECT / "docs/analysis.png"
SIZE = (1000, 1020)

# The name of a store path, and the directory of its files.
STORE_PATHS = {
    "glibc-2.36": "{system}-glibc",
    "python3-3.11.2": "{system}-python3",
    "bash-static-5.2.15": "{system}-bin",
    "nss-cacert-3.87": "cacert",
}


def store_path(name, system):
    digest = hashlib.sha256(f"{system} {name}".encode()).hexdigest()[:32]
    return f"nix/store/{digest}-{name}"


def layer(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o555
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def files_of(directory, prefix):
    paths = (path for path in sorted(directory.rglob("*")) if path.is_file() and not path.is_symlink())
    return {f"{prefix}/{path.relative_to(directory)}": path.read_bytes() for path in paths}


def image(destination, system, architecture):
    layers = []
    for name, part in STORE_PATHS.items():
        shared = "{system}" not in part  # the same store path on both architectures
        prefix = store_path(name, "any" if shared else system)
        layers.append(files_of(PARTS / part.format(system=system), prefix))
    python = next(files for files in layers if any("python3.11" in name for name in files))
    # The application, with a vendored copy of modules that Python has as well, and that copied to /app.
    modules = {name.split("/python3.11/")[1]: content for name, content in python.items() if "/python3.11/" in name}
    vendored = {name: content for name, content in modules.items() if name.split("/")[0] in ("asyncio", "email", "json", "http")}
    program = store_path("app-1.4.0", system)
    application = {f"{program}/lib/{name}": content for name, content in vendored.items()}
    application[f"{program}/bin/app"] = b"#!/bin/sh\nexec python3 -m app\n"
    layers += [application, {f"app/{name}": content for name, content in vendored.items()}]
    blobs = [layer(files) for files in layers]
    digests = [hashlib.sha256(blob).hexdigest() for blob in blobs]
    config = json.dumps({
        "architecture": architecture,
        "os": "linux",
        "config": {"Cmd": [f"/{program}/bin/app"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }).encode()  # fmt: skip
    manifest = [{"Config": "config.json", "RepoTags": ["app:v1"], "Layers": [f"{digest}/layer.tar" for digest in digests]}]
    documents = {"config.json": config, "manifest.json": json.dumps(manifest).encode()}
    destination.write_bytes(layer({f"{digest}/layer.tar": blob for digest, blob in zip(digests, blobs)} | documents))


def main():
    if not PARTS.is_dir():
        raise SystemExit(f"{PARTS} does not exist; tests/examples/get makes it")
    with tempfile.TemporaryDirectory(prefix="polyarch-picture.") as work:
        work = Path(work)
        for system, architecture in (("x86_64-linux", "amd64"), ("aarch64-linux", "arm64")):
            image(work / f"{architecture}.tar", system, architecture)

        def run(*command):
            subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        # The program is a shell script that names no interpreter of the image, so there is no platform to check.
        run(POLYARCH, "merge", "--quiet", "--platform-check", "off", "--name", "ghcr.io/me/app", "--tag", "v1", "--output", "app.tar",
            "amd64.tar", "arm64.tar")  # fmt: skip
        run(POLYARCH, "analyze", "--html", "page.html", "app.tar")
        run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
            f"--user-data-dir={work}/profile", f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={work}/page.png",
            (work / "page.html").as_uri())  # fmt: skip
        PICTURE.write_bytes((work / "page.png").read_bytes())
    print(f"{PICTURE.relative_to(PROJECT)}: {PICTURE.stat().st_size} bytes")


sys.exit(main())
