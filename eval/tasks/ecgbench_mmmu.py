"""ECGBench, MMMU-ECG, one of four options, real pictures (200)"""

from typing import ClassVar

from eval.official.sets import Choice


class Mmmu(Choice):
    """MMMU-ECG, one of four options, real pictures (200)"""

    name = "ecgbench_mmmu"
    version = "1"
    about = "MMMU-ECG, one of four options, real pictures (200)"
    download: ClassVar[str] = "the config mmmu-ecg of PULSE-ECG/ECGBench (Hugging Face; parquet is read too, see eval/README.md)"
    file: str = "ECGBench/mmmu-ecg.json"
    letters = ("A", "B", "C", "D")
    whole_reference = True
    # The published script looks references up by "No", which the released rows do not have (PULSE issue 4): here by either.
