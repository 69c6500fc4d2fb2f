"""Grounded ECG understanding in the form of ECG-R1 (arXiv 2602.04279), PTB-XL; scored by a judge (rubric ecg_r1)."""

from typing import ClassVar, Literal

from eval.official.free import FreeText


class EcgR1Ptbxl(FreeText):
    """Grounded ECG understanding of ECG-R1, PTB-XL"""

    name = "grounded_ecgr1_ptbxl"
    version = "1"
    about = "Grounded ECG understanding of ECG-R1, PTB-XL"
    download: ClassVar[str] = (
        "ecg-grounding-test-ptbxl_full.jsonl of PKUDigitalHealth/ECG-Protocol-Guided-Grounding-CoT; recordings: PTB-XL"
    )
    file: str = "ecg_jsons/test_set/ecg-grounding-test-ptbxl_full.jsonl"
    images: str = "ecg_images"
    signals: str = "ecg_timeseries"
    show: Literal["picture", "signal", "both", "nothing"] = "both"
    rubrics = ("ecg_r1",)

    def author(self) -> str:
        return "a language model that was given the report and machine measurements"
