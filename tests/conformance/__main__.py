"""``python -m tests.conformance SORT FILE``: run a file of cases against the product (see README.md)."""

import argparse
import os
from collections import Counter
from pathlib import Path

from tests.conformance.running import LISTS, cases_of, judge_all


def main() -> int:
    """Print a line for each case that fails or is not built, then the count."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("sort", choices=sorted(LISTS))
    parser.add_argument("file", type=Path)
    parser.add_argument("--ids", default="", help="only these cases: A,B")
    parser.add_argument("--grade", choices=["core"], help="leave the extra ones out")
    arguments = parser.parse_args()
    ids = [name for name in arguments.ids.split(",") if name]
    cases = cases_of(arguments.sort, arguments.file, ids, arguments.grade)
    jobs = (os.cpu_count() or 1) if arguments.sort == "queueing" else 1
    counts: Counter[str] = Counter()
    for verdict in judge_all(arguments.sort, cases, jobs):
        counts[verdict.outcome] += 1
        if line := str(verdict):
            print(line, flush=True)
    missing = f", {counts['not built']} not built" if counts["not built"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{missing}")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
