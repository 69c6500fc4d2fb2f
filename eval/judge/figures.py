"""Verdicts -> figures: per criterion as published and bounded, how far judges agree, and whether they like place or length."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from eval.bootstrap import Figure, figure
from eval.judge.ask import scores_of
from eval.judge.rubric import Rubric
from eval.judge.rubrics import rubric_of
from eval.metric import mean
from eval.official.compat import report_survivors
from eval.sample import Score, scored, unparsed, unscored

Rows = Sequence[Mapping[str, Any]]


def values(rubric: Rubric, row: Mapping[str, Any]) -> dict[str, Score]:
    """SCORING.RUBRIC_CRITERION -> score of one verdict, totals included."""
    names = [f"{scoring}.{rubric.name}_{one.name}" for scoring in ("compat", "strict") for one in rubric.criteria]
    totals = [f"{scoring}.{rubric.name}" for scoring in ("compat", "strict")] if rubric.mean_of else []
    if row["outcome"] in ("unscored", "failed"):
        return {name: unscored(str(row["why"])) for name in (*names, *totals)}
    made = unparsed("an empty answer") if row["outcome"] == "empty" else None
    scores = scores_of(rubric, row)
    out: dict[str, Score] = {}
    for one in rubric.criteria:
        bounded = one.bounded(scores[one.name])
        out[f"compat.{rubric.name}_{one.name}"] = made or scored(one.published(scores[one.name]))
        out[f"strict.{rubric.name}_{one.name}"] = made or (scored(bounded) if bounded is not None else unscored("the judge listed nothing"))
    for scoring in ("compat", "strict") if rubric.mean_of else ():
        parts = [out[f"{scoring}.{rubric.name}_{name}"].value or 0.0 for name in rubric.mean_of]
        out[f"{scoring}.{rubric.name}"] = made or scored(sum(parts) / len(parts))
    return out


def figures(rows: Rows, iters: int, seed: int) -> dict[str, Figure]:
    """Of the plain verdicts of one judge by one rubric. PULSE's report also as its shipped scorer has it, which keeps one item a key."""
    rubric = rubric_of(str(rows[0]["rubric"]).partition("/")[0])
    made = [values(rubric, row) for row in rows]
    patients = [str(row["patient"]) for row in rows]
    out = {key: figure([one[key] for one in made], patients, mean(key, percent=False), iters, seed) for key in made[0]}
    if rubric.name == "pulse_report":
        kept = report_survivors([str(row["doc_id"]) for row in rows])
        key = f"compat.{rubric.name}"
        out[f"{key}_as_shipped"] = figure([made[k][key] for k in kept], [patients[k] for k in kept], mean(key, percent=False), iters, seed)
    return out


def agreement(rows: Rows, first: str, second: str) -> dict[str, Any]:
    """How far two judges agree on texts that both scored: criterion -> n, mean difference, mean absolute difference, Spearman's rho."""
    return _paired(_by_text(rows, first, "plain"), _by_text(rows, second, "plain"))


def bias(rows: Rows, judge: str) -> dict[str, Any]:
    """What a judge gives more when only the place or the length of a text differs, and how its scores go with length over texts.

    A difference is exchanged (or lengthened) less plain, on the same texts; the last is Spearman's rho of the score and the words.
    """
    plain = _by_text(rows, judge, "plain")
    out: dict[str, Any] = {name: _paired(plain, _by_text(rows, judge, name)) for name in ("swapped", "padded")}
    words = {(row["task"], row["doc_id"], row["rubric"]): row["answer_words"] for row in rows}
    out["rho_of_score_and_words"] = {}
    for key in sorted({key for one in plain.values() for key in one}):
        pairs = [(words[text], one[key]) for text, one in plain.items() if key in one]
        out["rho_of_score_and_words"][key] = {"n": len(pairs), "rho": _rho(pairs)}
    return out


def _by_text(rows: Rows, judge: str, variant: str) -> dict[tuple[Any, ...], dict[str, float]]:
    """Text -> bounded score of each criterion, of verdicts that are scored."""
    out = {}
    for row in rows:
        if (row["judge"], row["variant"], row["outcome"]) == (judge, variant, "scored"):
            made = values(rubric_of(str(row["rubric"]).partition("/")[0]), row)
            out[(row["task"], row["doc_id"], row["rubric"])] = {
                key: score.value for key, score in made.items() if key.startswith("strict.") and score.value is not None
            }
    return out


def _paired(one: Mapping[Any, Mapping[str, float]], other: Mapping[Any, Mapping[str, float]]) -> dict[str, Any]:
    out = {}
    for key in sorted({key for text in one for key in one[text]}):
        pairs = [(one[text][key], other[text][key]) for text in one if text in other and key in one[text] and key in other[text]]
        if pairs:
            moved = np.array([b - a for a, b in pairs])
            out[key] = {
                "n": len(pairs),
                "difference": round(float(moved.mean()), 3),
                "absolute": round(float(np.abs(moved).mean()), 3),
                "rho": _rho(pairs),
            }
    return out


def _rho(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's rank correlation, None where one side does not vary or fewer than three pairs are there."""
    if len(pairs) < 3 or len({a for a, _ in pairs}) < 2 or len({b for _, b in pairs}) < 2:
        return None
    return round(float(spearmanr(*zip(*pairs, strict=True)).statistic), 3)
