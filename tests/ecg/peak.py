"""Peak memory of this process alone."""

import resource
from pathlib import Path


def peak_mb() -> float:
    """MB. On Linux of this program only: ru_maxrss also counts what the parent held when it forked."""
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
