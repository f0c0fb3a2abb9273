"""Writes an OCI image layout of one image, with layers of random bytes: image.py DIRECTORY ARCHITECTURE LAYERS BYTES [SEED]"""

import gzip
import hashlib
import io
import json
import random
import sys
import tarfile
from pathlib import Path

directory, architecture, layers, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
numbers = random.Random("".join(sys.argv[2:]))
blobs = directory / "blobs/sha256"
blobs.mkdir(parents=True)
kind = "application/vnd.oci.image."


def blob(data, media_type):
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": kind + media_type, "digest": f"sha256:{digest}", "size": len(data)}


def layer(number):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo(f"file-{number}")
        member.size = size
        tar.addfile(member, io.BytesIO(numbers.randbytes(size)))
    return buffer.getvalue()


tars = [layer(number) for number in range(layers)]
config = {
    "architecture": architecture,
    "os": "linux",
    "config": {},
    "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars]},
}
manifest = {
    "schemaVersion": 2,
    "mediaType": kind + "manifest.v1+json",
    "config": blob(json.dumps(config).encode(), "config.v1+json"),
    "layers": [blob(gzip.compress(tar, 1, mtime=0), "layer.v1.tar+gzip") for tar in tars],
}
index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), "manifest.v1+json")]}
(directory / "index.json").write_text(json.dumps(index))
(directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
