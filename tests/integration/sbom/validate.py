"""Validates documents by the schemas and rules that the Python libraries of CycloneDX and SPDX carry.

    validate.py FILE…   exits with 1, and prints why, if one is not valid
"""

import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def problems(path):
    text = Path(path).read_text()
    if json.loads(text).get("bomFormat") == "CycloneDX":
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
        return [error] if error else []
    try:
        document = parse_file(path)
    except SPDXParsingError as error:
        return error.get_messages()
    return [message.validation_message for message in validate_full_spdx_document(document)]


found = [f"{path}: {problem}" for path in sys.argv[1:] for problem in problems(path)]
print("\n".join(found))
sys.exit(bool(found))
