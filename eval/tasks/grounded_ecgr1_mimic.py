"""Grounded ECG understanding in the form of ECG-R1 (arXiv 2602.04279), MIMIC-IV-ECG; scored by a judge (rubric ecg_r1)."""

from typing import ClassVar, Literal

from eval.official.free import FreeText


class EcgR1Mimic(FreeText):
    """Grounded ECG understanding of ECG-R1, MIMIC-IV-ECG (2,381)"""

    name = "grounded_ecgr1_mimic"
    version = "1"
    about = "Grounded ECG understanding of ECG-R1, MIMIC-IV-ECG (2,381)"
    download: ClassVar[str] = (
        "ecg-grounding-test-mimiciv_full.jsonl of PKUDigitalHealth/ECG-Protocol-Guided-Grounding-CoT; recordings: MIMIC-IV-ECG"
    )
    file: str = "ecg_jsons/test_set/ecg-grounding-test-mimiciv_full.jsonl"
    images: str = "ecg_images"
    signals: str = "ecg_timeseries"
    show: Literal["picture", "signal", "both", "nothing"] = "both"
    data_class = "credentialed"  # MIMIC-IV-ECG
    rubrics = ("ecg_r1",)

    def author(self) -> str:
        return "a language model that was given the report and machine measurements"
