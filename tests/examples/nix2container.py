"""Prints the JSON of an image as nix2container does, for the store paths of ./graph and the arguments in ./arguments.json."""

import hashlib
import io
import json
import os
import sys
import tarfile

paths = set()
with open("graph") as file:
    lines = file.read().splitlines()
while lines:
    path, _, count = lines[:3]
    lines = lines[3 + int(count):]
    if not path.endswith("-config.json"):
        paths.add(path)


class TarInfo(tarfile.TarInfo):
    """Headers as Go writes them: no slash after the name of a directory, device numbers for entries that are not devices."""

    def get_info(self):
        return super().get_info() | {"name": self.name}

    def tobuf(self, *arguments):
        header = bytearray(super().tobuf(*arguments))
        header[329:345] = b"0000000\0" * 2
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        return bytes(header)


# The layer: ustar, the directories above the paths with mode 0755, all else as it is in the store.
buffer = io.BytesIO()
tar = tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT, tarinfo=TarInfo)


def put(info, content=None):
    info.mtime, info.uid, info.gid, info.uname, info.gname = 1, 0, 0, "root", "root"
    tar.addfile(info, content)


def tree(path):
    info = tar.gettarinfo(path, arcname=path)
    info.name = path
    if os.path.islink(path):
        info.mode = 0o777
        put(info)
    elif os.path.isdir(path):
        put(info)
        for entry in sorted(os.listdir(path)):
            tree(f"{path}/{entry}")
    else:
        info.type, info.size = tarfile.REGTYPE, os.path.getsize(path)
        with open(path, "rb") as file:
            put(info, file)


for directory in ("/", "/nix", "/nix/store"):
    info = TarInfo(directory)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    put(info)
for path in sorted(paths):
    tree(path)
# Go's writer ends an archive with two blocks, and Python's fills up a record of twenty.
end = tar.offset
layer = buffer.getvalue()[:end] + bytes(1024)
digest = "sha256:" + hashlib.sha256(layer).hexdigest()

with open("arguments.json") as file:
    arguments = json.load(file)
json.dump({
    "version": 1,
    "image-config": arguments["config"],
    "arch": arguments["arch"],
    "created": "0001-01-01T00:00:00Z",
    "layers": [{
        "digest": digest,
        "diff_ids": digest,
        "size": len(layer),
        "mediatype": "application/vnd.oci.image.layer.v1.tar",
        "paths": [{"path": path} for path in sorted(paths)],
        "History": {"created_by": "nix2container"},
    }],
}, sys.stdout)
