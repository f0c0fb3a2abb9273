"""Says which Python runs it, and on what."""

import platform

print(f"Hello from Python {platform.python_version()} on {platform.machine()}")
