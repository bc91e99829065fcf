"""`make demo-reset`: remove the data of the demo, when it is not running."""

import os
import shutil
import sys
from pathlib import Path

from trialmgr.demo.errors import LaunchError
from trialmgr.demo.supervisor import Lock

ROOT = Path(__file__).resolve().parent.parent.parent
HOME = Path(os.environ.get("TRIALMGR_DEMO_HOME", ROOT / "var")).resolve()


def main() -> None:
    if HOME.exists():
        Lock(HOME / "lock").acquire(0, lambda: None)
        for path in HOME.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    sys.stdout.write("the demo's data is removed; `make demo` starts afresh\n")


if __name__ == "__main__":
    try:
        main()
    except LaunchError as error:
        sys.exit(str(error))
