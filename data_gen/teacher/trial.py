"""The adversary: a stand-in teacher that alters numbers, leads and diagnoses; how many of its faults are accepted.

    python -m data_gen.teacher.trial CONFIG [key.sub=value ...] [--n 300] [--show K]

Every fault is one by construction: a number moved by more than 2.5 tolerances, a lead where the wave differs by as much, a finding
denied, another asserted. A fault is accepted when its sentence stands in an accepted answer.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from data_gen.corpora import open_record
from data_gen.facts import facts_of
from data_gen.instruct.accept import accept
from data_gen.instruct.config import Endpoint, Instructions
from data_gen.instruct.run import split_records
from data_gen.teacher.prompt import FORMS, ask_of, draft_of
from data_gen.teacher.stand_in import StandIn
from data_gen.teacher.write import ADVERSARY_FAULTS
from gem.errors import GemError
from gem.files import data_folder

ADVERSARY = Endpoint(backend="adversary", model="adversary", cache="none", prompts=("grounded",))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("changes", nargs="*")
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--show", type=int, default=10, metavar="K", help="accepted faults and rejected true sentences")
    args = parser.parse_args(argv)
    try:
        records = split_records(Instructions.load(args.config, args.changes))[0]
    except GemError as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    planted: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    shown = []
    true = lost = 0
    adversary, base = StandIn(ADVERSARY_FAULTS), data_folder()
    for record in records[:: max(1, len(records) // args.n)][: args.n]:
        try:
            facts = facts_of(record, open_record(record, base))
        except GemError:
            continue
        ask = ask_of(facts, "grounded", ADVERSARY)
        text = " ".join(one.text for one in adversary.sentences(ask))
        reply = adversary.send(ask)
        draft = draft_of(FORMS["grounded"].model_validate_json(reply.text), reply, "grounded")
        judged = accept(draft, [facts])
        whole = judged.draft.pairs[0][1].text if judged.draft else ""
        bad = {fault.text for fault in judged.rejected}
        for one in adversary.sentences(ask):
            if one.fault:
                planted[one.fault] += 1
                # a sample that is rejected whole would hide what the ruler missed, so the ruler is asked for the sentence itself
                missed = one.text not in bad
                kept[one.fault] += missed
                shown += [f"accepted  {record.id}  {one.text}"] if missed else []
            else:
                true += 1
                lost += one.text in bad
        if text and not whole:
            kept["samples rejected whole"] += 1
    faults = sum(planted.values())
    accepted = sum(kept[kind] for kind in planted)
    result = {"faults": faults, "accepted": accepted, "share": round(accepted / max(faults, 1), 5), "true": true, "true_lost": lost}
    by_kind = {kind: [kept[kind], planted[kind]] for kind in planted}
    sys.stdout.write(json.dumps(result | {"by_kind": by_kind, "samples_rejected_whole": kept["samples rejected whole"]}) + "\n")
    sys.stdout.write("".join(f"{line}\n" for line in shown[: args.show]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
