"""Grounded ECG understanding (GEM, arXiv 2503.06073), PTB-XL: a grounded interpretation, scored by a judge (rubric gem)."""

from typing import ClassVar, Literal

from eval.official.free import FreeText


class GemPtbxl(FreeText):
    """Grounded ECG understanding of GEM, PTB-XL (2,041)"""

    name = "grounded_gem_ptbxl"
    version = "1"
    about = "Grounded ECG understanding of GEM, PTB-XL (2,041)"
    download: ClassVar[str] = (
        "ecg-grounding-test-ptbxl.json of huggingface.co/datasets/LANSG/ECG-Grounding; the recordings and pictures are those of PTB-XL"
    )
    file: str = "ecg_jsons/ecg-grounding-test-ptbxl.json"
    images: str = "ecg_images"
    signals: str = "ecg_timeseries"
    show: Literal["picture", "signal", "both", "nothing"] = "both"
    rubrics = ("gem",)

    def author(self) -> str:
        return "a language model that was given the report and machine measurements"
