"""Prints which Python runs it, and on which machine."""

import platform

print(f"Hello from Python {platform.python_version()} on {platform.machine()}")
