"""Reinforcement: what an answer is worth, that each answer is sampled and scored with its own ECG and picture, and that reward rises."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_set import make_set, recipe, short
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoProcessor, PrinterCallback

from gem.errors import ConfigError
from gem.model.tokens import user
from gem.report.write import write
from gem.simulate import simulate_recording
from train.__main__ import main
from train.grpo.ask import Asked
from train.grpo.config import GrpoRecipe
from train.grpo.reward import Trace, Weights, reward, statement_f1

RBBB = simulate_recording("rbbb").recording
GIBBERISH = "qrx the of V9 lorem 12 zz, ipsum."


@pytest.fixture(scope="module")
def trace() -> Trace:
    return Trace.of(RBBB)


@pytest.fixture(scope="module")
def report(trace: Trace) -> str:
    assert trace.measured is not None
    return write(*trace.measured).text


def test_a_true_report_beats_one_with_a_false_number_and_that_beats_gibberish(trace: Trace, report: str) -> None:
    false = report.replace("71 bpm", "111 bpm")
    assert false != report
    true, wrong, nonsense = (reward(text, report, trace) for text in (report, false, GIBBERISH))
    assert true.total == Weights().best
    assert true.total > wrong.total > nonsense.total
    assert wrong.contradicted == 1
    assert nonsense.claims == 0


def test_more_false_numbers_are_worth_less_and_never_endlessly_less(trace: Trace, report: str) -> None:
    worse = [report]
    for old, new in (("71 bpm", "111 bpm"), ("PR interval 147 ms", "PR interval 260 ms"), ("QRS axis 59", "QRS axis -70")):
        worse.append(worse[-1].replace(old, new))
    values = [reward(text, report, trace).total for text in worse]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4
    assert reward("Heart rate 200 bpm. " + "".join(f"PR interval {ms} ms. " for ms in range(300, 400)), report, trace).total >= -2


def test_saying_a_true_thing_again_earns_nothing_and_loses_the_format(trace: Trace, report: str) -> None:
    once, thrice = (reward(" ".join(["Heart rate is 71 bpm."] * n), report, trace) for n in (1, 3))
    assert once.claims == thrice.claims == 1
    assert (once.format, thrice.format) == (1, 0)


def test_the_words_of_the_reference_earn_nothing_by_themselves(trace: Trace) -> None:
    """ECG-R1's reward: phrases of the teacher found again. Here its phrases about another trace are contradicted by this one."""
    parroted = "Normal sinus rhythm at 71 bpm. Left bundle branch block. PR interval 230 ms. QRS axis -60 degrees."
    assert reward(parroted, parroted, trace).total < reward("Complete right bundle branch block, 71 bpm.", parroted, trace).total


def test_where_nothing_can_be_read_an_abstention_is_worth_the_most_and_a_report_less_than_nothing(report: str) -> None:
    flat = Trace.of(RBBB.after(np.zeros_like(RBBB.signal), "flat"))
    assert flat.measured is None
    abstained = reward("The tracing cannot be interpreted: no signal in any lead.", report, flat)
    assert abstained.total == Weights().best
    assert reward(report, report, flat).total < 0 < reward(GIBBERISH, report, flat).total < abstained.total


def test_abstaining_from_a_readable_trace_earns_the_format_alone(trace: Trace, report: str) -> None:
    assert reward("The tracing cannot be interpreted.", report, trace).total == Weights().format


def test_an_answer_that_was_cut_loses_its_format(trace: Trace, report: str) -> None:
    assert reward(report, report, trace, ended=False).format == 0


@pytest.mark.parametrize(
    ("answer", "reference", "f1"),
    [
        ("Right bundle branch block.", "Complete right bundle branch block.", 1.0),
        ("Right bundle branch block. Atrial fibrillation.", "Right bundle branch block.", 2 / 3),
        ("No right bundle branch block.", "Right bundle branch block.", 0.0),
        ("Heart rate 71 bpm.", "PR interval 150 ms.", 1.0),
        (GIBBERISH, "PR interval 150 ms.", 0.0),
    ],
)
def test_findings_are_compared_as_findings(answer: str, reference: str, f1: float) -> None:
    assert statement_f1(answer, reference) == pytest.approx(f1)


NAMES = ("normal", "rbbb", "stemi_inferior")


def asked(processor, name: str, number: int) -> Asked:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(number)
    ecg = short(simulate_recording(name).recording)
    pages = [rng.integers(0, 255, (200, 260, 3), dtype=np.uint8)] if number == 1 else []
    prompt = processor.row([user(f"Question {number}: {'and ' * number}what is it?", [ecg], pages)], generation_prompt=True)
    return Asked(prompt, name, "report", f"Question {number}", "", name)


def trainer_of(folder: Path, tiny: Path, judge, steps: int, **changes: object):  # type: ignore[no-untyped-def]
    """The trainer on three questions, one of them with a picture too, the whole LLM learning."""
    from trl import GRPOConfig

    from train.grpo.trainer import GemGrpoTrainer

    torch.manual_seed(0)
    model, processor = AutoModelForImageTextToText.from_pretrained(tiny), AutoProcessor.from_pretrained(tiny)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = "encoder" not in name
    questions = [asked(processor, NAMES[k % 3], k % 3) for k in range(3 * steps)]
    how = {"per_device_train_batch_size": 12, "num_generations": 4, "max_completion_length": 12, "learning_rate": 1e-2, "logging_steps": 1}
    how |= {"max_steps": steps, "save_strategy": "no", "report_to": [], "use_cpu": True, "bf16": False, "disable_tqdm": True, "beta": 0.0}
    how |= {"shuffle_dataset": False, "gradient_checkpointing": False, "remove_unused_columns": False, "lr_scheduler_type": "constant"}
    args = GRPOConfig(output_dir=str(folder), **(how | changes))
    trainer = GemGrpoTrainer(model=model, args=args, processor=processor, questions=questions, judge=judge, facts={})
    trainer.remove_callback(PrinterCallback)
    return trainer


def test_reward_rises_on_a_toy_task(tmp_path: Path, tiny: Path) -> None:
    """The judge likes the letter e; nothing but reward can teach it."""
    trainer = trainer_of(tmp_path, tiny, lambda asked, answer, ended: answer.count("e") / 12, 20)
    trainer.train()
    rewards = [row["reward"] for row in trainer.state.log_history if "reward" in row]
    assert len(rewards) == 20
    assert np.mean(rewards[-5:]) > np.mean(rewards[:5]) + 0.3


def test_where_all_answers_are_worth_the_same_nothing_moves(tmp_path: Path, tiny: Path) -> None:
    trainer = trainer_of(tmp_path, tiny, lambda *_: 1.0, 2)
    before = {name: p.clone() for name, p in trainer.model.named_parameters()}
    trainer.train()
    assert all(torch.equal(before[name], p) for name, p in trainer.model.named_parameters())


def test_every_answer_is_sampled_and_scored_with_the_ecg_and_picture_of_its_question(tmp_path: Path, tiny: Path) -> None:
    """TRL shuffles answers between the two; every question here has words of its own, so that ids tell which it was."""
    judged: list[str] = []
    trainer = trainer_of(tmp_path, tiny, lambda asked, answer, _: judged.append(asked.text) or float(len(answer)), 1)
    scored, usual = [], trainer._get_per_token_logps_and_entropies

    def seen(model, ids, mask, keep, **how):  # type: ignore[no-untyped-def]
        out = usual(model, ids, mask, keep, **how)
        scored.append(([row.ids for row in trainer._rows], ids, mask, keep, out[0].detach()))
        return out

    trainer._get_per_token_logps_and_entropies = seen
    made: list[int] = []
    hook = trainer.model.ecg_encoder.register_forward_hook(lambda _, given, out: made.append(len(out.last_hidden_state)))
    trainer.train()
    hook.remove()
    assert made == [12, 12], "all ECGs once to sample, once to score"
    assert sorted(set(judged)) == ["Question 0", "Question 1", "Question 2"]
    ((prompts, ids, mask, keep, logps),) = scored
    for k, prompt in enumerate(prompts):
        assert ids[k, :-keep][mask[k, :-keep] == 1].tolist() == prompt
    trainer.model.eval()
    with torch.no_grad():
        same = usual(trainer.model, ids, mask, keep)[0]
        trainer._rows = [
            replace(row, ecgs=[type(row.ecgs[0])(-row.ecgs[0].values, row.ecgs[0].mask, row.ecgs[0].tokens)]) for row in trainer._rows
        ]
        other = usual(trainer.model, ids, mask, keep)[0]
    answered = mask[:, -keep:] == 1
    assert (same - other)[answered].abs().max() > 1e-5, "another ECG gives other probabilities"
    assert (same - logps)[answered].abs().max() > 1e-5, "the step changed the policy"


def grpo(folder: Path, tiny: Path, **changes: object) -> Path:
    fields = {"samples": 3, "batch": 6, "longest": 16, "steps": 2, "save_every": 1, "optim": {"lr": 1e-3}} | changes
    return recipe(folder, tiny, stage="grpo", **fields)


def test_the_stage_runs_and_leaves_adapters_that_moved(tmp_path: Path, tiny: Path) -> None:
    make_set(tmp_path)
    assert main([str(grpo(tmp_path, tiny))]) == 0
    learned = load_file(tmp_path / "run" / "adapters" / "adapter_model.safetensors")
    assert max(tensor.abs().max() for name, tensor in learned.items() if "lora_B" in name) > 0
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "reward" in row] == [1, 2]
    assert (tmp_path / "run" / "checkpoint-2" / "whole.json").is_file()
    assert AutoProcessor.from_pretrained(tmp_path / "run" / "adapters").ecg is not None


def test_recipes_that_cannot_be_followed_are_refused(tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_set(tmp_path)
    path = grpo(tmp_path, tiny)
    with pytest.raises(ConfigError, match="batch 6 is no multiple of samples 4"):
        GrpoRecipe.load(path, ["samples=4"])
    with pytest.raises(ConfigError, match="beta needs llm: lora"):
        GrpoRecipe.load(path, ["beta=0.1", "llm=full"])
    assert main([str(path), "tasks=[measure]"]) == 2
    assert "no row of measure about one recording" in capsys.readouterr().err
