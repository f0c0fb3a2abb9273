"""What the builders of docker-tools.nix run.

customisation CONTENTS...          print the layer with links to the contents
conf BASE NAME:TAG GRAPH...        print the conf of a layered image, from one without store_layers and repo_tag
layered CONF                       print the image of a conf, as streamLayeredImage does
flat BASE NAME:TAG ROOT GRAPH...   print an image with a single layer, as buildImage does
"""

import hashlib
import io
import json
import os
import sys
import tarfile

EPOCH = "1970-01-01T00:00:01+00:00"


def store_paths(graphs):
    """A graph has, for each path: the path, its deriver, the number of its references, and these."""
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
    return sorted(paths)


def read_json(name):
    with open(name) as file:
        return json.load(file)


def conf(base, repo_tag, *graphs):
    description = read_json(base)
    description["store_layers"] = [[path] for path in store_paths(graphs)]
    description["repo_tag"] = repo_tag
    json.dump(description, sys.stdout, indent=2)


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
    """Writes an archive; layers are pairs (bytes, comment). Files are named by the digests of their content; manifest.json is last."""
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


def customisation(*contents):
    layer = Layer()
    layer.directory(".")
    for path in contents:
        layer.links(path, ".")
    sys.stdout.buffer.write(layer.bytes())


def layered(conf):
    conf = read_json(conf)
    layers = []
    for paths in conf["store_layers"]:
        layer = Layer()
        layer.store(paths)
        layers.append((layer.bytes(), f"store paths: {paths}"))
    path = conf["customisation_layer"]
    with open(f"{path}/layer.tar", "rb") as file:
        layers.append((file.read(), f"store paths: {[path]}"))
    write(conf, conf["repo_tag"], layers)


def flat(base, repo_tag, root, *graphs):
    layer = Layer()
    layer.directory(".")
    for entry in sorted(os.listdir(root)):
        layer.tree(f"{root}/{entry}", f"./{entry}")
    paths = store_paths(graphs)
    if paths:
        layer.store(paths)
    write(read_json(base), repo_tag, [(layer.bytes(), "")])


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"customisation": customisation, "conf": conf, "layered": layered, "flat": flat}[command](*arguments)
