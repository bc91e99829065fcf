"""`make bench`: run every benchmark in this directory, one after the other, so that none disturbs another."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    there = {path.stem: path for path in sorted(HERE.glob("*.py")) if path.name != "run.py"}
    if unknown := sorted(set(sys.argv[1:]) - there.keys()):
        sys.stderr.write(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(there)}\n")
        return 2
    found = [path for name, path in there.items() if name in (sys.argv[1:] or there)]
    failed = []
    for path in found:
        sys.stdout.write(f"\n{path.stem}\n{'-' * len(path.stem)}\n")
        sys.stdout.flush()
        if subprocess.run([sys.executable, path], cwd=HERE.parent, check=False).returncode:
            failed.append(path.stem)
    sys.stdout.write(f"\n{len(found)} benchmarks, failed: {', '.join(failed) or 'none'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
