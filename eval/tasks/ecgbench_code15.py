"""ECGBench, CODE-15, several of six codes, or normal, or abnormal (1,400 pictures)"""

from collections.abc import Mapping
from typing import ClassVar

from eval.official import compat, strict
from eval.official.sets import MultiLabel


class Code15(MultiLabel):
    """CODE-15, several of six codes, or normal, or abnormal (1,400 pictures)"""

    name = "ecgbench_code15"
    version = "1"
    about = "CODE-15, several of six codes, or normal, or abnormal (1,400 pictures)"
    download: ClassVar[str] = "the config code15-test of PULSE-ECG/ECGBench (Hugging Face; parquet is read too, see eval/README.md)"
    file: str = "ECGBench/code15-test.json"
    terms = strict.CODE15
    spoken: ClassVar[Mapping[str, str]] = {
        "1dAVb": "first-degree AV block",
        "RBBB": "right bundle branch block",
        "LBBB": "left bundle branch block",
        "SB": "sinus bradycardia",
        "ST": "sinus tachycardia",
        "AF": "atrial fibrillation",
    }

    def predicted(self, text: str) -> list[str]:
        return compat.code15_predicted(text)

    def reference(self, text: str) -> list[str]:
        return compat.code15_reference(text)
