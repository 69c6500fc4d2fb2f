"""ECGBench, PTB-XL superclasses, several of five codes (2,082 pictures)"""

from collections.abc import Mapping
from typing import ClassVar

from eval.official import compat, strict
from eval.official.sets import MultiLabel


class PtbxlSuper(MultiLabel):
    """PTB-XL superclasses, several of five codes (2,082 pictures)"""

    name = "ecgbench_ptbxl_super"
    version = "1"
    about = "PTB-XL superclasses, several of five codes (2,082 pictures)"
    download: ClassVar[str] = "the config ptb-test of PULSE-ECG/ECGBench (Hugging Face; parquet is read too, see eval/README.md)"
    file: str = "ECGBench/ptb-test.json"
    terms = strict.PTB_SUPER
    spoken: ClassVar[Mapping[str, str]] = {
        "NORM": "a normal recording",
        "MI": "myocardial infarction",
        "STTC": "ST or T wave changes",
        "CD": "a conduction disturbance",
        "HYP": "hypertrophy",
    }

    def predicted(self, text: str) -> list[str]:
        return compat.labels(text, compat.PTB_SUPER)

    def reference(self, text: str) -> list[str]:
        return compat.labels(text, compat.PTB_SUPER)
