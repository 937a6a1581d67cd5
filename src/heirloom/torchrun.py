"""``torchrun``, as `processes.launch` starts it on each machine of a job.

It runs the job's processes, and writes at the end what they have used.
"""

from __future__ import annotations

import os

from heirloom.artefacts import paths
from heirloom.artefacts.files import dumps, write_text
from heirloom.runtime import processes, usage


def main() -> None:
    """Run ``torchrun`` with this command's arguments; if a process fails, it raises and writes nothing."""
    from torch.distributed.run import main as run

    run()
    file, node = os.environ[usage.FILE], processes.machine()
    if node == 0:
        write_text(file, dumps(usage.measure()))
    else:  # the wall time of the first machine is that of the job
        write_text(paths.part(file, f"node={node}"), dumps(usage.measure() | {"seconds": None}))


if __name__ == "__main__":
    main()
