"""Grounded ECG understanding (GEM, arXiv 2503.06073), MIMIC-IV-ECG: a grounded interpretation, scored by a judge (rubric gem)."""

from typing import ClassVar, Literal

from eval.official.free import FreeText


class GemMimic(FreeText):
    """Grounded ECG understanding of GEM, MIMIC-IV-ECG (2,381)"""

    name = "grounded_gem_mimic"
    version = "1"
    about = "Grounded ECG understanding of GEM, MIMIC-IV-ECG (2,381)"
    download: ClassVar[str] = (
        "ecg-grounding-test-mimiciv.json of LANSG/ECG-Grounding; the recordings and pictures are those of MIMIC-IV-ECG"
    )
    file: str = "ecg_jsons/ecg-grounding-test-mimiciv.json"
    images: str = "ecg_images"
    signals: str = "ecg_timeseries"
    show: Literal["picture", "signal", "both", "nothing"] = "both"
    data_class = "credentialed"  # MIMIC-IV-ECG
    rubrics = ("gem",)

    def author(self) -> str:
        return "a language model that was given the report and machine measurements"
