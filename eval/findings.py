"""Findings against the cardiologists' SCP statements of PTB-XL: precision, recall, n per statement.

    python -m eval.findings [--folds 1,2,...] [--engine gem|neurokit] [--jobs N] [--json]

A finding is compared with the statements that its line in gem/knowledge/criteria/statements.yaml names: right when one
of them is in the row's scp_codes (at any likelihood). Intervals: 95 %, Wilson. Rows without scp_codes are left out,
findings that cannot be assessed on a row count as not found there.
"""

import argparse
import json
import sys
from functools import partial
from math import sqrt

from eval.corpus import PtbxlRow, pooled, ptbxl
from gem.ecg.io import read
from gem.errors import GemError
from gem.files import data_folder
from gem.knowledge.find import find
from gem.knowledge.statement import statements
from gem.measure.engine import ENGINES
from gem.measure.measure import measure_recording


def wilson(hits: int, n: int) -> tuple[float, float, float]:
    """Share with its 95 % Wilson interval; (nan, nan, nan) for n = 0."""
    if n == 0:
        return (float("nan"),) * 3
    z, p = 1.96, hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return p, middle - half, middle + half


def found_on(row: PtbxlRow, engine: str = ENGINES[0]) -> list[str] | str:
    """Ids of the findings present on one record, or why it was not read."""
    try:
        return [f.id for f in find(measure_recording(read(row.path, age=row.age, sex=row.sex), engine=engine)).present]
    except GemError as fault:
        return str(fault)


def table(rows: list[PtbxlRow], found: list[list[str] | str]) -> list[dict[str, object]]:
    """One line a finding that has SCP statements."""
    lines = []
    for key, statement in statements().items():
        if not statement.scp:
            continue
        says = [bool(set(statement.scp) & set(row.scp)) for row in rows]
        ours = [not isinstance(ids, str) and key in ids for ids in found]
        both = sum(a and b for a, b in zip(says, ours, strict=True))
        lines.append(
            {
                "finding": key,
                "scp": list(statement.scp),
                "n": sum(says),
                "found": sum(ours),
                "both": both,
                "precision": wilson(both, sum(ours)),
                "recall": wilson(both, sum(says)),
            }
        )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", default="1,2,3,4,5,6,7,8,9")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    folds = {int(fold) for fold in args.folds.split(",")}
    rows = [row for row in ptbxl(data_folder()) if row.scp and row.fold in folds]
    found = pooled(partial(found_on, engine=args.engine), rows, args.jobs)
    lines = table(rows, found)
    unread = [text for text in found if isinstance(text, str)]
    if args.json:
        sys.stdout.write(json.dumps({"rows": len(rows), "not_read": len(unread), "findings": lines}) + "\n")
        return 0
    sys.stdout.write(f"PTB-XL, folds {args.folds}: {len(rows)} rows with SCP statements, {len(unread)} not read\n")
    sys.stdout.write(f"{'finding':<30}{'n':>6}{'found':>7}{'both':>6}   precision (95 %)     recall (95 %)\n")
    for line in lines:
        precision, recall = ("{:.2f} ({:.2f}-{:.2f})".format(*line[name]) for name in ("precision", "recall"))  # type: ignore[misc]
        sys.stdout.write(f"{line['finding']:<30}{line['n']:>6}{line['found']:>7}{line['both']:>6}   {precision:<20} {recall}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
