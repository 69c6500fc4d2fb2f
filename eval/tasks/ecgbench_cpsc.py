"""ECGBench, CPSC 2018, several of nine codes (2,061 pictures)"""

from collections.abc import Mapping
from typing import ClassVar

from eval.official import compat, strict
from eval.official.sets import MultiLabel


class Cpsc(MultiLabel):
    """CPSC 2018, several of nine codes (2,061 pictures)"""

    name = "ecgbench_cpsc"
    version = "1"
    about = "CPSC 2018, several of nine codes (2,061 pictures)"
    download: ClassVar[str] = "the config cpsc-test of PULSE-ECG/ECGBench (Hugging Face; parquet is read too, see eval/README.md)"
    file: str = "ECGBench/cpsc-test.json"
    terms = strict.CPSC
    spoken: ClassVar[Mapping[str, str]] = {
        "NORM": "a normal recording",
        "AF": "atrial fibrillation",
        "I-AVB": "first-degree AV block",
        "LBBB": "left bundle branch block",
        "RBBB": "right bundle branch block",
        "PAC": "premature atrial contractions",
        "PVC": "premature ventricular contractions",
        "STD": "ST depression",
        "STE": "ST elevation",
    }

    def predicted(self, text: str) -> list[str]:
        return compat.labels(text, compat.CPSC)

    def reference(self, text: str) -> list[str]:
        return compat.labels(text, compat.CPSC)
