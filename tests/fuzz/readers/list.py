"""Lists tar archives as Python's tarfile reads them. The protocol is that of src/readers.rs."""

import io
import math
import struct
import sys
import tarfile
import zlib

# The most that is read of a sparse file.
MOST = 1 << 20


def raw(name):
    return name.encode("utf-8", "surrogateescape").hex()


def list_archive(archive):
    lines = []
    try:
        with tarfile.open(
            fileobj=io.BytesIO(archive), mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as reader:
            while (entry := reader.next()) is not None:
                kind, content = entry.type.decode("latin-1"), b""
                if kind in "\0S":
                    kind = "0"
                if entry.isreg() or entry.type not in tarfile.SUPPORTED_TYPES:
                    # A file whose type `tarfile` does not know is a regular one for it.
                    content = reader.fileobject(reader, entry).read(MOST)
                    if len(content) < min(entry.size, MOST):
                        raise ValueError("cut off")
                lines.append(
                    f"{raw(entry.name)} {kind} {entry.size} {raw(entry.linkname)} {zlib.crc32(content):08x}"
                    f" {entry.mode & 0o7777:o} {entry.uid} {entry.gid} {math.floor(entry.mtime)}\n"
                )
    except Exception as error:  # Some damage is a ValueError, an OverflowError or a recursion.
        lines.append(f"error {type(error).__name__}: {error}")
    return "".join(lines)


while size := sys.stdin.buffer.read(4):
    text = list_archive(sys.stdin.buffer.read(*struct.unpack(">I", size))).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(text)) + text)
    sys.stdout.buffer.flush()
