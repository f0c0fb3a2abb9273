"""What the builders of docker-tools.nix run.

describe ARGUMENTS GRAPH...   print a description of an image: config, and the store paths that are in it
layered CONF NAME:TAG         print a docker-archive with a layer for each store path, as streamLayeredImage does
flat CONF NAME:TAG ROOT       print one with a single layer, as buildImage does
"""

import hashlib
import io
import json
import os
import sys
import tarfile

EPOCH = "1970-01-01T00:00:01+00:00"


def describe(arguments, *graphs):
    """A graph has, for each path: the path, its deriver, the number of its references, and these."""
    with open(arguments) as file:
        conf = json.load(file)
    paths = set()
    for name in graphs:
        with open(name) as file:
            lines = file.read().splitlines()
        while lines:
            path, _, count = lines[:3]
            lines = lines[3 + int(count):]
            # What was described, and not what it is made of.
            if not path.endswith(("-config.json", "-docker-layer-root")):
                paths.add(path)
    conf["store_paths"] = sorted(paths)
    json.dump(conf, sys.stdout)


class Layer:
    """A tar archive in memory whose bytes depend only on its files."""

    def __init__(self):
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tarfile.PAX_FORMAT)
        self.names = set()

    def add(self, source, name):
        info = self.tar.gettarinfo(source, arcname=name)
        info.name = name
        if info.islnk():
            info.type, info.size = tarfile.REGTYPE, os.path.getsize(source)
        if info.isreg():
            with open(source, "rb") as file:
                self.put(info, file)
        else:
            self.put(info)

    def put(self, info, content=None):
        info.mtime, info.uid, info.gid, info.uname, info.gname = 1, 0, 0, "root", "root"
        if info.name not in self.names:
            self.names.add(info.name)
            self.tar.addfile(info, content)

    def directory(self, name):
        info = tarfile.TarInfo(name)
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        self.put(info)

    def tree(self, source, name):
        self.add(source, name)
        if os.path.isdir(source) and not os.path.islink(source):
            for entry in sorted(os.listdir(source)):
                self.tree(f"{source}/{entry}", f"{name}/{entry}")

    def links(self, source, name):
        """Directories are made, all else are links to it."""
        for entry in sorted(os.listdir(source)):
            path = f"{source}/{entry}"
            if os.path.isdir(path) and not os.path.islink(path):
                self.directory(f"{name}/{entry}")
                self.links(path, f"{name}/{entry}")
            else:
                info = tarfile.TarInfo(f"{name}/{entry}")
                info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, path
                self.put(info)

    def store(self, paths):
        self.directory("/nix")
        self.directory("/nix/store")
        for path in paths:
            self.tree(path, path)

    def bytes(self):
        self.tar.close()
        return self.buffer.getvalue()


def write(conf, repo_tag, layers):
    """Writes an archive; layers are pairs (bytes, content). Files are named by the digests of their content; manifest.json is last."""
    out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT)

    def put(name, content):
        info = tarfile.TarInfo(name)
        info.size, info.mtime = len(content), 1
        out.addfile(info, io.BytesIO(content))

    digests = [hashlib.sha256(layer).hexdigest() for layer, _ in layers]
    for digest, (layer, _) in zip(digests, layers):
        put(f"{digest}/layer.tar", layer)
    config = json.dumps({
        "created": EPOCH,
        "architecture": conf["architecture"],
        "os": "linux",
        "config": conf["config"],
        "rootfs": {"diff_ids": [f"sha256:{digest}" for digest in digests], "type": "layers"},
        "history": [{"created": EPOCH, "comment": comment} for _, comment in layers],
    }, indent=4).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    put(name, config)
    manifest = [{
        "Config": name,
        "RepoTags": [repo_tag],
        "Layers": [f"{digest}/layer.tar" for digest in digests],
    }]
    put("manifest.json", json.dumps(manifest, indent=4).encode())
    out.close()


def layered(conf, repo_tag, *_):
    layers = []
    for path in conf["store_paths"]:
        layer = Layer()
        layer.store([path])
        layers.append((layer.bytes(), f"store paths: ['{path}']"))
    customisation = Layer()
    customisation.directory(".")
    for path in conf["contents"]:
        customisation.links(path, ".")
    layers.append((customisation.bytes(), "customisation layer"))
    write(conf, repo_tag, layers)


def flat(conf, repo_tag, root):
    layer = Layer()
    layer.directory(".")
    for entry in sorted(os.listdir(root)):
        layer.tree(f"{root}/{entry}", f"./{entry}")
    if conf["store_paths"]:
        layer.store(conf["store_paths"])
    write(conf, repo_tag, [(layer.bytes(), "")])


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "describe":
        describe(*arguments)
    else:
        with open(arguments[0]) as file:
            conf = json.load(file)
        {"layered": layered, "flat": flat}[command](conf, *arguments[1:])
