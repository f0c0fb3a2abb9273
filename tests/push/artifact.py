"""Adds an artifact that refers to a manifest to an OCI image layout, and prints its digest: artifact.py LAYOUT DIGEST"""

import hashlib
import json
import sys
from pathlib import Path

layout, subject = Path(sys.argv[1]), sys.argv[2]
blobs = layout / "blobs/sha256"


def blob(data, media_type):
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


described = json.loads((blobs / subject.removeprefix("sha256:")).read_bytes())
manifest = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "artifactType": "application/spdx+json",
    "config": blob(b"{}", "application/vnd.oci.empty.v1+json"),
    "layers": [blob(json.dumps({"about": subject}).encode(), "application/spdx+json")],
    "subject": {
        "mediaType": described["mediaType"],
        "digest": subject,
        "size": (blobs / subject.removeprefix("sha256:")).stat().st_size,
    },
}
descriptor = blob(json.dumps(manifest).encode(), manifest["mediaType"])
index = json.loads((layout / "index.json").read_text())
index["manifests"].append(descriptor)
(layout / "index.json").write_text(json.dumps(index))
print(descriptor["digest"])
