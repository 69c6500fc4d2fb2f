"""Answers that are in a file already, in the forms that are published."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.models.config import Answers
from eval.models.model import Prompt
from eval.sample import Answer, file_digest
from gem.errors import ConfigError
from gem.jsonl import read_rows

_IDS = ("question_id", "id", "doc_id", "sample_id")
_TEXTS = ("text", "response", "model_response", "prediction", "GEM_generated", "Model_generated", "answer")


class Answered:
    """Looks an answer up by the sample's id; what has none is an error of that sample. Raises `ConfigError` for a file of another form."""

    def __init__(self, config: Answers) -> None:
        path = Path(config.path)
        self.name = path.stem
        self.fingerprint: Any = file_digest(path)
        self._texts: dict[tuple[str, int], str] = {}
        self.doubled = 0
        for row in _rows(path):
            self._take(row, path)

    def _take(self, row: Mapping[str, Any], path: Path) -> None:
        who = next((row[key] for key in _IDS if key in row), None)
        said = next((row[key] for key in _TEXTS if key in row), None)
        if "predict_convs" in row:
            said = [turn["answer"] for turn in row["predict_convs"]]
        if "resps" in row:
            said = [one.get("text") or "" for one in row["resps"]]
        if who is None or said is None:
            raise ConfigError(f"{path}: a row with {', '.join(row)}; {' or '.join(_IDS)} and {' or '.join(_TEXTS)} are needed")
        for k, text in enumerate(said if isinstance(said, list) else [said]):
            key = (str(who), int(row.get("turn", k)))
            self.doubled += key in self._texts
            self._texts.setdefault(key, str(text))

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> Answer:
        text = self._texts.get((prompt.sample.id, prompt.number))
        if text is None:
            return Answer(error=f"{self.name}: holds no answer to {prompt.sample.id}, turn {prompt.number}")
        return Answer(text=text)


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file of answers")
    if path.suffix != ".json":
        return list(read_rows(path))
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise ConfigError(f"{path}: not JSON") from fault
    if not isinstance(whole, list) or not all(isinstance(row, dict) for row in whole):
        raise ConfigError(f"{path}: a list of objects is needed")
    return whole
