"""ECGBench, Georgia 12-lead, one of eight options (2,026 pictures)"""

from typing import ClassVar

from eval.official.sets import Choice


class G12(Choice):
    """Georgia 12-lead, one of eight options (2,026 pictures)"""

    name = "ecgbench_g12"
    version = "1"
    about = "Georgia 12-lead, one of eight options (2,026 pictures)"
    download: ClassVar[str] = "the config g12-test-no-cot of PULSE-ECG/ECGBench (Hugging Face; parquet is read too, see eval/README.md)"
    file: str = "ECGBench/g12-test-no-cot.json"
