"""Small files in exactly the published shapes, sentences our own: task name -> a task that reads them."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eval.official.compat import FIXED_SUFFIX
from eval.task import Task, task_of

LETTERED = "Which diagnosis fits this ECG?\nA. sinus bradycardia\nB. atrial fibrillation\nC. left axis deviation\nD. low QRS voltage"
EIGHT = f"{LETTERED}\nE. sinus tachycardia\nF. ST depression\nG. atrial flutter\nH. right bundle branch block"
FOLDER = "made"


def llava(name: str, picture: str, question: str, answer: Any, **more: Any) -> dict[str, Any]:
    """A row of ECGBench or of GEM."""
    said = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    return {"id": name, "image": picture, "conversations": said, **more}


def swift(name: str, picture: str, signal: str, question: str, answer: str) -> dict[str, Any]:
    """A row of ECG-R1: messages with a system part, a list of pictures, the signal beside them."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": f"<image><ecg>{question}"},
        {"role": "assistant", "content": answer},
    ]
    return {"id": name, "messages": messages, "images": [picture], "objects": {"ecg": [signal]}}


def several(question: str, answers: Sequence[Any], name: str = "row") -> list[dict[str, Any]]:
    return [llava(f"{name}-{k}", f"made/{k:05d}_hr-0.png", question, answer) for k, answer in enumerate(answers)]


def arena() -> list[dict[str, Any]]:
    talk = [
        {"question": "<image>\nWhat rhythm is this?", "answer": "Sinus rhythm at 60 per minute."},
        {"question": "And the axis?", "answer": "Normal."},
    ]
    return [{"id": f"arena-{k}", "image": f"made/a{k}.png", "conversations": talk} for k in range(2)]


ECGQA_PROMPT = f"Question: Which leads show noise? Options: lead I, lead II, lead V1, none {FIXED_SUFFIX}"
GROUNDED = "Interpret this ECG step by step, with the leads and the measurements that show it."
GROUNDED_ANSWER = "The rate is 72 bpm and the PR interval 160 ms. P waves precede every QRS in II. This is sinus rhythm."


def jsons(name: str, rows: Any, suffix: str = "json", **options: Any) -> Callable[[Path], Task]:
    def make(folder: Path) -> Task:
        path = folder / f"{name}.{suffix}"
        text = json.dumps(rows) if suffix == "json" else "".join(json.dumps(row) + "\n" for row in rows)
        path.write_text(text, encoding="utf-8")
        return task_of(name, {"file": str(path), **options})

    return make


def ecgqa(folder: Path) -> Task:
    """ECG-QA's own tree: template classes, and questions of one and of two recordings."""
    top = folder / "ecgqa" / "ptbxl"
    (top / "paraphrased" / "valid").mkdir(parents=True)
    (top / "answers_for_each_template.csv").write_text(
        "template_id,classes\n1,\"['no', 'not sure', 'yes']\"\n68,\"['none', 'pr interval', 'qrs duration']\"\n", encoding="utf-8"
    )
    one = {"template_id": 1, "question_id": 5, "sample_id": 1, "question_type": "single-verify", "attribute_type": "scp_code",
           "question": "Is there any sign of a block?", "answer": ["no"], "ecg_id": [1], "attribute": ["block"]}  # fmt: skip
    two = {"template_id": 68, "question_id": 9, "sample_id": 2, "question_type": "comparison_irrelevant-query",
           "attribute_type": "numeric_feature", "question": "What has changed?", "answer": [], "ecg_id": [1, 2], "attribute": None}  # fmt: skip
    (top / "paraphrased" / "valid" / "00000.json").write_text(json.dumps([one, two]), encoding="utf-8")
    return task_of("ecgqa", {"folder": str(top)})


def step(question: str, options: Sequence[str], answer: Any, kind: str) -> dict[str, Any]:
    at = [options.index(one) for one in answer] if isinstance(answer, list) else options.index(answer)
    return {"question": question, "options": list(options), "answer": answer, "answer_idx": at, "question_type": kind}


MORE = "Further findings are required to confirm the diagnosis"


def chain(name: str = "ptbxl-7-0", label: bool = True) -> dict[str, Any]:
    """One sample of ECG-Reasoning-Benchmark: two loops, the first with all three kinds of grounding, the second with none."""
    leads, waves = ["Lead V1", "Lead V2", "Lead V3", "Lead V4"], ["[0.50s - 0.62s]", "[1.30s - 1.42s]", "[2.10s - 2.22s]"]
    widths = ["[80ms - 100ms]", "[100ms - 120ms]", "[120ms - 140ms]"]
    first = {
        "criterion_selection": step(
            "Which criterion?", [f"Presence of thing {k}" for k in range(5)], "Presence of thing 2", "criterion_selection"
        ),
        "finding_identification": step("Is it there?", ["Yes", "No"], "Yes", "finding_identification"),
        "ecg_grounding": [
            step("In which leads?", leads, ["Lead V1", "Lead V2"], "lead_grounding"),
            step("In which wave?", waves, waves[1], "wave_grounding"),
            step("How wide?", widths, widths[2], "measurement_grounding"),
        ],
        "diagnostic_decision": step("And so?", ["Yes", "No", MORE], MORE, "diagnostic_decision"),
    }
    second = {
        "criterion_selection": step(
            "And which next?", [f"Presence of sign {k}" for k in range(5)], "Presence of sign 4", "criterion_selection"
        ),
        "finding_identification": step("Is it there?", ["Yes", "No"], "Yes" if label else "No", "finding_identification"),
        "ecg_grounding": [],
        "diagnostic_decision": step("And so?", ["Yes", "No", MORE], "Yes" if label else "No", "diagnostic_decision"),
    }
    about = {"id": name, "data_source": "ptbxl", "ecg_id": "7", "target_dx": "complete_rbbb", "dx_label": label, "path_idx": 0}
    begin = step("Does this ECG suggest it?", ["Yes", "No"], "Yes" if label else "No", "initial_diagnostic_question")
    return {"metadata": about, "data": {"initial_diagnostic_question": begin, "reasoning": [first, second]}}


def elm(folder: Path) -> Task:
    """Rows of ECG-Bench as parquet: a triple, and a conversation."""
    talk = [
        {"from": "human", "value": "<ecg>\nHow fast?"},
        {"from": "gpt", "value": "72 bpm"},
        {"from": "human", "value": "Regular?"},
        {"from": "gpt", "value": "yes"},
    ]
    rows = [
        {
            "ecg_path": "ptb/00001_hr_0.npy",
            "text": json.dumps(["single-verify", "Is there noise?", ["no"]]),
            "name": "ecg-qa-ptbxl-250-2500",
        },
        {"ecg_path": "ptb/00002_hr_0.npy", "text": json.dumps(talk), "name": "ecg-instruct-45k-250-2500"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "test.parquet")
    return task_of("elm_rows", {"file": str(folder / "test.parquet"), "signals": str(folder)})


def gem_row(k: int, source: str) -> dict[str, Any]:
    more = {"machine_measurements": {"II": {"heart_rate": [72, 73]}}, "report": "Sinus rhythm."}
    return llava(f"{source}-{k}", f"{source}/{k}.png", GROUNDED, GROUNDED_ANSWER, ecg=f"{source}/records500/00000/{k:05d}_hr", **more)


def r1_row(k: int, source: str) -> dict[str, Any]:
    thought = f"<think>**Step 1** Rate 72.</think> {GROUNDED_ANSWER} <answer>Sinus rhythm</answer>"
    return swift(f"{source}-{k}", f"gen_images/{source}/{k}.png", f"{source}/{k}", GROUNDED, thought)


OFFICIAL: Mapping[str, Callable[[Path], Task]] = {
    "ecgbench_ptbxl_super": jsons("ecgbench_ptbxl_super", several("Which superclasses?", ["NORM", "MI; CD", "STTC"])),
    "ecgbench_cpsc": jsons("ecgbench_cpsc", several("Which of these?", ["AF(atrial fibrillation)", "I-AVB; PVC", "NORM"])),
    "ecgbench_code15": jsons(
        "ecgbench_code15", several("Which of these?", ["NORM", "ABNORMAL", "SB(sinus bradycardia); RBBB(right bundle branch block)"])
    ),
    "ecgbench_csn": jsons("ecgbench_csn", several(EIGHT, ["B. atrial fibrillation", "A. sinus bradycardia"])),
    "ecgbench_g12": jsons("ecgbench_g12", several(EIGHT, ["H. right bundle branch block", "F. ST depression"])),
    "ecgbench_mmmu": jsons("ecgbench_mmmu", [{"No": k, **llava(f"m{k}", f"made/{k}.png", LETTERED, "C")} for k in range(2)]),
    "ecgbench_ecgqa": jsons("ecgbench_ecgqa", several(ECGQA_PROMPT, [["lead I"], ["lead II", "lead V1"], "none"])),
    "ecgbench_ptbxl_report": jsons(
        "ecgbench_ptbxl_report",
        [llava(f"ptb-report-{k:05d}_hr-0", f"made/{k:05d}_hr-0.png", "Write a report.", "sinus rhythm. normal ecg.") for k in range(3)],
    ),
    "ecgbench_arena": jsons("ecgbench_arena", arena()),
    "grounded_gem_mimic": jsons("grounded_gem_mimic", [gem_row(k, "mimic-iv") for k in range(2)]),
    "grounded_gem_ptbxl": jsons("grounded_gem_ptbxl", [gem_row(k, "ptbxl") for k in range(2)]),
    "grounded_ecgr1_mimic": jsons("grounded_ecgr1_mimic", [r1_row(k, "mimic-iv") for k in range(2)], "jsonl"),
    "grounded_ecgr1_ptbxl": jsons("grounded_ecgr1_ptbxl", [r1_row(k, "ptbxl") for k in range(2)], "jsonl"),
    "ecgqa": ecgqa,
    "ecg_reasoning": jsons("ecg_reasoning", [chain(), chain("ptbxl-7-1", label=False)], "jsonl"),
    "elm_rows": elm,
}
