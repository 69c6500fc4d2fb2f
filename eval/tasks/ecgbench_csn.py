"""ECGBench, Chapman-Shaoxing-Ningbo, one of eight options (1,611 pictures)"""

from typing import ClassVar

from eval.official.sets import Choice


class Csn(Choice):
    """Chapman-Shaoxing-Ningbo, one of eight options (1,611 pictures)"""

    name = "ecgbench_csn"
    version = "1"
    about = "Chapman-Shaoxing-Ningbo, one of eight options (1,611 pictures)"
    download: ClassVar[str] = "the config csn-test-no-cot of PULSE-ECG/ECGBench (Hugging Face; parquet is read too, see eval/README.md)"
    file: str = "ECGBench/csn-test-no-cot.json"
