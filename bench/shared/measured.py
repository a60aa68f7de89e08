"""How a measured Python process is asked, and what it reports beside its own numbers. [bench/shared/child.ts]"""

import json
import resource
import sys
from importlib.metadata import version


def read_request() -> dict:
    return json.load(sys.stdin)


def report(seconds: float, packages: list[str], **numbers) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    document = dict(
        seconds=seconds,
        # Linux counts in kibibytes, macOS in bytes.
        peakResidentBytes=peak if sys.platform == "darwin" else 1024 * peak,
        versions={name: version(name) for name in packages},
        **numbers,
    )
    print(json.dumps(document))
