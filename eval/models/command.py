"""A program as the model: JSON lines in, JSON lines out, started once."""

import json
import selectors
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.load import path_of, picture_of
from eval.models.config import Command
from eval.models.model import Prompt
from eval.sample import Answer
from gem.errors import GemError
from gem.llm.message import ModelDown


class Commanded:
    """Raises `ModelDown` when the program cannot be started, ends early, or is silent for too long."""

    def __init__(self, config: Command) -> None:
        self.name = Path(config.argv[0]).name
        self.fingerprint: Any = list(config.argv)
        self._config = config
        self._pages = tempfile.TemporaryDirectory(prefix="gem-eval-")
        self._drawn = 0
        try:
            self._program = subprocess.Popen(config.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 (named by the recipe)
        except OSError as fault:
            raise ModelDown(f"{config.argv[0]}: cannot be started ({fault.strerror})") from fault

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> Answer:
        try:
            asked = self._asked(prompt)
        except GemError as fault:
            return Answer(error=str(fault))
        assert self._program.stdin is not None and self._program.stdout is not None  # noqa: S101, PT018 (both are pipes)
        try:
            self._program.stdin.write(json.dumps(asked, ensure_ascii=False).encode() + b"\n")
            self._program.stdin.flush()
        except OSError as fault:
            raise ModelDown(f"{self.name}: has ended (exit {self._program.poll()}) before it was asked all") from fault
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._program.stdout, selectors.EVENT_READ)
            if not waiting.select(self._config.timeout_s):
                raise ModelDown(f"{self.name}: no answer within {self._config.timeout_s:g} s")
        line = self._program.stdout.readline()
        if not line:
            raise ModelDown(f"{self.name}: has ended (exit {self._program.wait()}) before it answered all")
        try:
            said = json.loads(line)
            return Answer(text=said.get("text"), likelihoods=said.get("likelihoods"), error=said.get("error"))
        except (ValueError, AttributeError) as fault:
            return Answer(error=f"{self.name}: answered with a line that is no JSON object of the form asked for ({fault})")

    def _asked(self, prompt: Prompt) -> dict[str, Any]:
        sample, turn = prompt.sample, prompt.turn
        return {
            "id": sample.id,
            "turn": prompt.number,
            "question": turn.question,
            "options": list(turn.options),
            "ask": turn.ask,
            "history": [list(pair) for pair in prompt.history],
            "ecgs": [ecg.model_dump(mode="json") | {"path": str(path_of(ecg.path))} for ecg in sample.ecgs],
            "pictures": [str(path_of(p.path)) if p.path and not p.stand_in else self._page(p) for p in sample.pictures],
        }

    def _page(self, picture: Any) -> str:
        self._drawn += 1
        path = Path(self._pages.name) / f"{self._drawn:06d}.png"
        picture_of(picture).save(path)
        return str(path)
