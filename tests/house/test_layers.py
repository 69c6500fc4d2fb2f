"""An import goes down, never up or sideways; foreign libraries have one door each."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROUND = {"errors", "config", "conversation", "jsonl", "files", "runner", "__init__"}
FLOORS = {
    "llm": set(),
    "ecg": set(),
    "simulate": {"ecg"},
    "measure": {"ecg"},
    "image": {"ecg"},
    "knowledge": {"ecg", "measure", "image"},
    "report": {"ecg", "measure", "image", "knowledge"},
    "model": {"ecg", "image", "knowledge", "measure"},
    "infer": {"ecg", "measure", "image", "knowledge", "report", "model"},
    "cli": {"ecg", "simulate", "measure", "image", "knowledge", "report", "model", "infer"},
}
DOORS = {
    "neurokit2": {"gem/measure/delineate.py", "eval/bench.py"},  # the bench times it as others run it
    "wfdb": {"gem/ecg/io/wfdb.py"},
    "pyarrow": {
        "gem/ecg/io/parquet.py",
        "gem/ecg/io/csv.py",
        "gem/measure/batch.py",
        "data_gen/instruct/export.py",
        "eval/official",
        "train/data/index.py",
        "train/align/examples.py",
    },
    "h5py": {"data_gen/corpora/hdf5.py"},
    "onnxruntime": {"gem/measure/scores.py"},
    "ray": {"gem/runner.py"},
    "soundfile": {"gem/ecg/io/wfdb.py"},
    "pydicom": {"gem/ecg/io/dicom.py", "gem/ecg/io/dicom_write.py"},
    "pyedflib": {"gem/ecg/io/edf.py"},
    "sierraecg": {"gem/ecg/io/philips.py"},
    "defusedxml": {"gem/ecg/io/xml.py"},
    "torch": {
        "gem/model",
        "gem/infer",
        "train",
        "eval/bench_model.py",
        "eval/reader.py",
        "eval/models/checkpoint.py",
        "eval/models/image_text.py",
        "eval/judge/local.py",
    },  # the bench times what they do
    "transformers": {
        "gem/model",
        "gem/infer",
        "train",
        "eval/bench_model.py",
        "eval/reader.py",
        "eval/models/image_text.py",
        "eval/judge/local.py",
    },
    "tokenizers": {"gem/model/tokenizer.py"},
    "safetensors": {"gem/model", "gem/infer", "train"},
    "peft": {"gem/model/lora.py"},
    "trl": {"train/grpo"},
    "datasets": {"train/grpo"},  # TRL takes nothing else
    "deepspeed": {"train/launch.py"},
}
SOURCES = sorted(path for top in ("gem", "data_gen", "train", "eval") for path in (ROOT / top).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_an_import_goes_down(path: Path) -> None:
    where = path.relative_to(ROOT).parts
    for module in imports(path):
        parts = module.split(".")
        if where[0] == "gem":
            assert parts[0] not in ("data_gen", "train", "eval"), f"gem imports the workshop {module}"
            if parts[0] == "gem" and len(parts) > 1 and len(where) > 2:
                allowed = FLOORS[where[1]] | GROUND | {where[1]}
                assert parts[1] in allowed, f"{where[1]} imports {module}"
            if parts[0] == "gem" and len(parts) > 1 and len(where) == 2 and where[1] != "__main__.py":
                assert parts[1] in GROUND, f"the ground imports {module}"
        else:
            assert parts[0] not in {"data_gen", "train", "eval"} - {where[0]}, f"{where[0]} imports {module}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_foreign_library_has_one_door(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    for module in imports(path):
        doors = DOORS.get(module.split(".")[0])
        assert doors is None or any(name.startswith(door) for door in doors), f"{name} imports {module}; its door is {doors}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_device_said_is_shown_and_reaches_no_prompt_and_no_measurement(path: Path) -> None:
    """Only readers, the command line, the page that shows it beside ours and the table that compares them know the name."""
    name = path.relative_to(ROOT).as_posix()
    if "device_said" in path.read_text(encoding="utf-8"):
        assert name.startswith(("gem/ecg/", "gem/cli/")) or name in ("gem/report/page.py", "eval/devices.py"), name


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_loads_a_pickle_or_an_unguarded_xml_parser(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for word in ("allow_pickle=True", "import pickle", "trust_remote_code=True", "ElementTree.parse(", "fromstring(", "weights_only=False"):
        assert word not in text, word
