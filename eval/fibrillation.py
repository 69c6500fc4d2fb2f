"""Atrial fibrillation against sinus rhythm: sensitivity and specificity with 95 % intervals (Wilson).

    python -m eval.fibrillation [--engine gem|neurokit] [--jobs N] [--json]

PTB-XL: rows that the cardiologists call AFIB against rows they call SR, SBRAD, STACH or SARRH; rows that say both, or flutter or
pacing, are left out. LUDB: its rhythm column, atrial fibrillation against the sinus rhythms; the shipped network has seen the
marks of LUDB's waves, though not its rhythms. "Called" is `Measurements.rhythm`; a record that cannot be read counts as not AF.
"""

import argparse
import csv
import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eval.corpus import pooled, ptbxl
from eval.findings import wilson
from gem.ecg.io import read
from gem.errors import GemError
from gem.files import data_folder
from gem.measure.engine import ENGINES
from gem.measure.measure import measure_recording

_SINUS = frozenset({"SR", "SBRAD", "STACH", "SARRH"})
_NEITHER = frozenset({"AFLT", "PACE", "SVARR", "SVTAC", "PSVT", "BIGU", "TRIGU"})
FIBRILLATION = "atrial fibrillation"


@dataclass(frozen=True)
class Case:
    """A record and whether its cardiologist called it atrial fibrillation."""

    path: Path
    fibrillates: bool


def ptbxl_cases(folder: Path) -> list[Case]:
    """Rows of PTB-XL that are one or the other."""
    out = []
    for row in ptbxl(folder):
        said = set(row.scp)
        if said & _NEITHER or bool(said & _SINUS) == ("AFIB" in said):
            continue
        out.append(Case(row.path, "AFIB" in said))
    return out


def ludb_cases(folder: Path) -> list[Case]:
    """Records of LUDB that are one or the other."""
    out = []
    with (folder / "ludb" / "ludb.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            path, rhythm = folder / "ludb" / "data" / f"{row['ID'].strip()}.hea", row["Rhythms"].lower()
            if path.is_file() and ("fibrillation" in rhythm or rhythm.startswith("sinus")):
                out.append(Case(path, "fibrillation" in rhythm))
    return out


def rhythm_of(case: Case, engine: str) -> str:
    """The rhythm that is measured, or why none was."""
    try:
        return measure_recording(read(case.path), engine=engine).rhythm.name
    except GemError as fault:
        return f"not read: {fault}"


def scored(cases: list[Case], called: list[str]) -> dict[str, tuple[int, int, float, float, float]]:
    """sensitivity and specificity: (right, n, share, low, high)."""
    out = {}
    for name, wanted in (("sensitivity", True), ("specificity", False)):
        of_kind = [(rhythm == FIBRILLATION) == wanted for case, rhythm in zip(cases, called, strict=True) if case.fibrillates == wanted]
        out[name] = (sum(of_kind), len(of_kind), *wilson(sum(of_kind), len(of_kind)))
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        corpora = {"PTB-XL": ptbxl_cases(data_folder()), "LUDB": ludb_cases(data_folder())}
    except (GemError, OSError) as fault:
        sys.stderr.write(f"eval.fibrillation: {fault}\n")
        return 2
    out = {name: scored(cases, pooled(partial(rhythm_of, engine=args.engine), cases, args.jobs)) for name, cases in corpora.items()}
    if args.json:
        sys.stdout.write(json.dumps({"engine": args.engine, **out}) + "\n")
        return 0
    sys.stdout.write(f"Atrial fibrillation against sinus rhythm, engine {args.engine}\n")
    for corpus, rows in out.items():
        for name, (right, n, share, low, high) in rows.items():
            sys.stdout.write(f"{corpus:<8}{name:<13}{right:>5} of {n:<5}{share:.3f} ({low:.3f}-{high:.3f})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
