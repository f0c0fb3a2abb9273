"""Looks for components of SBOMs in advisories, as a scanner of SBOMs does: by package URL and version, nothing else.

    scan.py ADVISORY SBOM…   prints "ID PURL PLATFORM" for each platform that has an affected component

ADVISORY is a file in the format of OSV (https://ossf.github.io/osv-schema/), whose packages have package URLs.
"""

import json
import sys
from pathlib import Path

from packageurl import PackageURL
from spdx_tools.spdx.model import RelationshipType
from spdx_tools.spdx.parser.parse_anything import parse_file
from univers.version_range import RANGE_CLASS_BY_SCHEMES


def of_cyclonedx(document):
    """The package URLs, each with the platforms that have it."""
    for component in document["components"]:
        layers = [p["name"].removeprefix("polyarch:layer:") for p in component["properties"] if p["name"].startswith("polyarch:layer:")]
        if "purl" in component:
            yield component["purl"], set(layers)


def of_spdx(path):
    """The same: the image of a platform contains layers, and these contain components."""
    document = parse_file(path)
    names = {package.spdx_id: package for package in document.packages}
    parents = {}
    for relationship in document.relationships:
        if relationship.relationship_type == RelationshipType.CONTAINS:
            parents.setdefault(relationship.related_spdx_element_id, []).append(relationship.spdx_element_id)
    for package in document.packages:
        purls = [reference.locator for reference in package.external_references if reference.reference_type == "purl"]
        layers = parents.get(package.spdx_id, [])
        images = {names[image].spdx_id for layer in layers for image in parents.get(layer, []) if image in names}
        for purl in purls:
            yield purl, {image.removeprefix("SPDXRef-Image-").replace("-", "/", 1) for image in images}


def is_affected(purl, affected):
    wanted, found = PackageURL.from_string(affected["package"]["purl"]), PackageURL.from_string(purl)
    if (wanted.type, wanted.namespace, wanted.name) != (found.type, found.namespace, found.name):
        return False
    version_of = RANGE_CLASS_BY_SCHEMES[found.type].version_class
    version = version_of(found.version)
    is_in = False
    for event in (event for versions in affected["ranges"] for event in versions["events"]):
        if "introduced" in event and (event["introduced"] == "0" or version >= version_of(event["introduced"])):
            is_in = True
        if "fixed" in event and version >= version_of(event["fixed"]):
            is_in = False
    return is_in


advisory = json.loads(Path(sys.argv[1]).read_text())
lines = set()
for path in sys.argv[2:]:
    document = json.loads(Path(path).read_text())
    for purl, platforms in of_cyclonedx(document) if "bomFormat" in document else of_spdx(path):
        if any(is_affected(purl, affected) for affected in advisory["affected"]):
            lines |= {f"{advisory['id']} {purl} {platform}" for platform in platforms}
print("\n".join(sorted(lines)))
