"""ECGBench, a free report of PTB-XL pictures (500): likeness of words; its own score is a judge's (rubric pulse_report)."""

from typing import ClassVar

from eval.official.free import FreeText


class PtbxlReport(FreeText):
    """The references are PTB-XL's reports translated to English, 14 words on average."""

    name = "ecgbench_ptbxl_report"
    version = "1"
    about = "PTB-XL, a free report (500 pictures); its published score is a judge's"
    download: ClassVar[str] = "the config ptb-test-report of PULSE-ECG/ECGBench (Hugging Face; parquet is read too, see eval/README.md)"
    file: str = "ECGBench/ptb-test-report.json"
    rubrics = ("pulse_report",)

    def author(self) -> str:
        return "PTB-XL's report, translated"
