#!/usr/bin/env python3
"""Writes the docker-archive that a conf of dockerTools describes to standard output: stream.py CONF

It follows the rules in tests/fixtures/conf/README.md with Python's own tarfile, which decides the bytes of a layer. Like
nixpkgs' script it makes each layer twice: first for the digest in its name, then for its content.
"""

import hashlib
import io
import json
import os
import sys
import tarfile
import threading
from datetime import datetime


def entries(root):
    """Returns a store path and all paths in it, ordered by the parts of the path."""
    found = [root]
    if not os.path.islink(root):
        for directory, directories, files in os.walk(root):
            found += [f"{directory}/{name}" for name in directories + files]
    return sorted(found, key=lambda path: path.split("/"))


class Layer:
    """A layer of store paths, whose files all have the same owner and time."""

    def __init__(self, paths, owner):
        self.paths, self.owner = paths, owner

    def member(self, info):
        for key, value in self.owner.items():
            setattr(info, key, value)
        return info

    def write(self, out):
        with tarfile.open(fileobj=out, mode="w|") as tar:
            for name in ("/nix", "/nix/store"):
                directory = tarfile.TarInfo(name)
                directory.type, directory.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(self.member(directory))
            for root in self.paths:
                for path in entries(root):
                    self.add(tar, path)

    def add(self, tar, path):
        info = self.member(tar.gettarinfo(path))
        info.name = f"/{info.name}"
        if info.islnk():
            # A further name of a file becomes a separate file.
            info.type, info.linkname, info.size = tarfile.REGTYPE, "", os.lstat(path).st_size
        if info.isreg():
            with open(path, "rb") as content:
                tar.addfile(info, content)
        else:
            tar.addfile(info)


class Digest:
    """A file that keeps only the size and the digest of what is written."""

    def __init__(self):
        self.hash, self.size = hashlib.sha256(), 0

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)


class Archive:
    """The docker-archive."""

    def __init__(self, out, mtime):
        self.tar, self.mtime = tarfile.open(fileobj=out, mode="w|"), mtime
        # The digest, the name and the comment of each layer.
        self.layers = []

    def add(self, name, size, content):
        info = tarfile.TarInfo(name)
        info.size, info.mtime = size, self.mtime
        self.tar.addfile(info, content)

    def add_base(self, path):
        """Adds the layers of a docker-archive and returns its config."""
        with tarfile.open(path) as base:
            manifest = json.load(base.extractfile("manifest.json"))[0]
            config = json.load(base.extractfile(manifest["Config"]))
            for name, diff_id in zip(manifest["Layers"], config["rootfs"]["diff_ids"]):
                member = base.getmember(name)
                self.tar.addfile(member, base.extractfile(member))
                self.layers.append((diff_id, name, [name]))
        return config["config"]

    def add_layer(self, layer):
        digest = Digest()
        layer.write(digest)
        name = digest.hash.hexdigest()
        reader, writer = os.pipe()
        with open(reader, "rb") as source, open(writer, "wb") as sink:

            def produce():
                layer.write(sink)
                sink.close()

            threading.Thread(target=produce).start()
            self.add(f"{name}/layer.tar", digest.size, source)
        self.layers.append((f"sha256:{name}", f"{name}/layer.tar", layer.paths))

    def add_customisation(self, path):
        with open(f"{path}/checksum") as file:
            name = file.read().strip()
        with open(f"{path}/layer.tar", "rb") as content:
            self.add(f"{name}/layer.tar", os.fstat(content.fileno()).st_size, content)
        self.layers.append((f"sha256:{name}", f"{name}/layer.tar", [path]))

    def finish(self, image, repo_tag):
        config = json.dumps(image, indent=4).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        self.add(name, len(config), io.BytesIO(config))
        manifest = [{"Config": name, "RepoTags": [repo_tag], "Layers": [layer[1] for layer in self.layers]}]
        manifest = json.dumps(manifest, indent=4).encode()
        self.add("manifest.json", len(manifest), io.BytesIO(manifest))
        self.tar.close()


def with_environment(config, base):
    """Adds the variables of the base image; the last value of a name counts."""
    variables = base.get("Env", []) + config.get("Env", [])
    by_name = {variable.partition("=")[0]: variable for variable in variables}
    return {**config, "Env": list(by_name.values())} if by_name else config


def main():
    with open(sys.argv[1]) as file:
        conf = json.load(file)
    created = datetime.fromisoformat(conf["created"])
    mtime = int(datetime.fromisoformat(conf.get("mtime", conf["created"])).timestamp())
    owner = {"mtime": mtime, "uid": int(conf["uid"]), "gid": int(conf["gid"]), "uname": conf["uname"], "gname": conf["gname"]}
    archive = Archive(sys.stdout.buffer, mtime)
    config = conf["config"]
    if conf["from_image"]:
        config = with_environment(config, archive.add_base(conf["from_image"]))
    for paths in conf["store_layers"]:
        archive.add_layer(Layer(paths, owner))
    archive.add_customisation(conf["customisation_layer"])
    image = {
        "created": created.isoformat(),
        "architecture": conf["architecture"],
        "os": "linux",
        "config": config,
        "rootfs": {"diff_ids": [layer[0] for layer in archive.layers], "type": "layers"},
        "history": [{"created": created.isoformat(), "comment": f"store paths: {layer[2]}"} for layer in archive.layers],
    }
    archive.finish(image, conf["repo_tag"])


if __name__ == "__main__":
    main()
