"""What to simulate, said once: every value that is left out is drawn from the seed.

The bounds are those of the model, not of medicine: beyond them it no longer makes ECGs.
"""

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gem.ecg.lead import STANDARD
from gem.simulate.leads import REVERSALS

Rhythm = Literal[
    "sinus",
    "sinus_arrhythmia",
    "atrial_fibrillation",
    "atrial_flutter",
    "supraventricular_tachycardia",
    "paced_ventricular",
    "paced_atrial",
    "paced_dual",
]
AVBlock = Literal["none", "mobitz_1", "mobitz_2", "2_to_1", "complete"]
Ectopy = Literal["none", "pac", "pvc", "bigeminy", "trigeminy"]
Conduction = Literal[
    "normal", "rbbb", "rbbb_incomplete", "lbbb", "lbbb_incomplete", "lafb", "lpfb", "rbbb_lafb", "ivcd", "pre_excitation"
]  # fmt: skip
Structure = Literal["lvh", "lvh_strain", "rvh", "left_atrial", "right_atrial"]
Ischaemia = Literal[
    "stemi_inferior",
    "stemi_anterior",
    "stemi_lateral",
    "stemi_posterior",
    "old_mi_inferior",
    "old_mi_anteroseptal",
    "old_mi_anterior",
    "old_mi_lateral",
    "st_depression",
    "t_inversion",
    "early_repolarisation",
]
TForm = Literal["upright", "flat", "biphasic", "inverted"]

SINUS = ("sinus", "sinus_arrhythmia")
"""Rhythms whose beats start in the sinus node."""
P_BEFORE_QRS = (*SINUS, "paced_atrial", "paced_dual")
WIDE = ("lbbb", "lbbb_incomplete", "pre_excitation")
"""Conduction that changes the first part of the QRS, so that Q waves of an infarct can not be drawn."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


SNR = Annotated[float, Field(ge=-20, le=60)]


class NoiseSpec(_Frozen):
    """Signal-to-noise ratio of each kind of noise, dB; a kind that is left out is not added.

    The ratio is the mean power of the clean signal (mean of each lead removed) over all twelve
    leads, to the mean power of that noise over all twelve leads.
    """

    wander: SNR | None = Field(default=None, description="baseline wander, 0.05 to 0.5 Hz")
    mains_50: SNR | None = Field(default=None, description="mains interference, 50 Hz and its third harmonic")
    mains_60: SNR | None = Field(default=None, description="mains interference, 60 Hz and its third harmonic")
    muscle: SNR | None = Field(default=None, description="muscle (EMG), 20 to 150 Hz, in bursts")
    motion: SNR | None = Field(default=None, description="electrode motion: sudden shifts that decay, one electrode at a time")
    white: SNR | None = Field(default=None, description="white noise of the amplifiers")

    def asked(self) -> dict[str, float]:
        return {kind: snr for kind, snr in self.model_dump().items() if snr is not None}


class SimulationSpec(_Frozen):
    """One ECG to simulate. What is None is drawn from `seed`, within what is usual for the rest."""

    name: str = Field(default="", pattern=r"^[\w-]*$", description="names the recording's source; empty: a hash of the spec")
    rhythm: Rhythm = "sinus"
    rate: float | None = Field(
        default=None, ge=20, le=250, description="per minute: of the atria with AV block, of the ventricles otherwise"
    )
    av_block: AVBlock = "none"
    block_ratio: int | None = Field(
        default=None, ge=2, le=6, description="P or flutter waves per dropped beat or per QRS; flutter without it: variable"
    )
    escape: Literal["narrow", "wide"] = "narrow"
    escape_rate: float | None = Field(default=None, ge=20, le=70, description="with av_block complete, per minute")
    ectopy: Ectopy = "none"
    ectopic_beats: int = Field(default=2, ge=1, le=6, description="how many, for pac and pvc")
    pause_s: float | None = Field(default=None, ge=1.5, le=6, description="one sinus pause, R to R")
    conduction: Conduction = "normal"
    structure: tuple[Structure, ...] = ()
    ischaemia: tuple[Ischaemia, ...] = ()
    st_mv: float | None = Field(
        default=None, ge=0.03, le=1.0, description="largest ST deviation of ischaemia, mV; None: typical of its kind"
    )
    pr_ms: float | None = Field(default=None, ge=60, le=500)
    p_ms: float | None = Field(default=None, ge=50, le=180)
    qrs_ms: float | None = Field(default=None, ge=60, le=240)
    qt_ms: float | None = Field(default=None, ge=180, le=750)
    qtc_ms: float | None = Field(default=None, ge=250, le=700, description="by Fridericia, at the median RR")
    axis_deg: float | None = Field(default=None, gt=-180, le=180, description="QRS axis; None: usual for the conduction")
    t_axis_deg: float | None = Field(default=None, gt=-180, le=180)
    amplitude: float | None = Field(default=None, ge=0.05, le=4, description="gain of QRS and T; 1 is a usual adult")
    p_amplitude: float = Field(default=1.0, ge=0.0, le=4, description="gain of P")
    t_amplitude: float = Field(default=1.0, ge=0.0, le=4, description="gain of T alone")
    t_form: TForm = "upright"
    variety: float = Field(default=1.0, ge=0, le=2, description="how far this heart differs from the textbook: 0 not at all")
    reversal: str = Field(default="none", description='two electrodes swapped: "LA/RA", "V1/V2", ...')
    noise: NoiseSpec = NoiseSpec()
    flat: tuple[str, ...] = Field(default=(), description="leads that show a flat line")
    clip_mv: float | None = Field(default=None, gt=0, le=16, description="the recorder saturates at plus and minus this")
    duration_s: float = Field(default=10.0, ge=2, le=3600)
    fs: float = Field(default=500.0, ge=100, le=4000)
    seed: int = Field(default=0, ge=0)
    age: float | None = Field(default=None, ge=0, le=130)
    sex: Literal["female", "male"] | None = None

    @field_validator("reversal")
    @classmethod
    def _known_pair(cls, value: str) -> str:
        known = {frozenset(pair.split("/")): pair for pair in REVERSALS}
        pair = known.get(frozenset(value.split("/")))
        if value != "none" and pair is None:
            raise ValueError(f"{value!r} is not one of none, {', '.join(REVERSALS[:5])}, V1/V2 ... V5/V6")
        return pair or "none"

    @field_validator("flat")
    @classmethod
    def _known_leads(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in STANDARD]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is not one of {', '.join(STANDARD)}")
        return value

    @model_validator(mode="after")
    def _agrees(self) -> "SimulationSpec":
        faults = list(_conflicts(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that change with any field but the name."""
        text = self.model_dump_json(exclude={"name"})
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def _conflicts(spec: SimulationSpec) -> list[str]:
    """Combinations that no heart, or not this model, can have."""
    structure, ischaemia = set(spec.structure), set(spec.ischaemia)
    old_mi = any(kind.startswith("old_mi") for kind in ischaemia)
    paced_qrs = spec.rhythm in ("paced_ventricular", "paced_dual")
    rules = {
        "qt_ms and qtc_ms are both given; give one": spec.qt_ms is not None and spec.qtc_ms is not None,
        "av_block needs rhythm sinus": spec.av_block != "none" and spec.rhythm != "sinus",
        "av_block and ectopy can not be combined": spec.av_block != "none" and spec.ectopy != "none",
        "pause_s needs rhythm sinus or sinus_arrhythmia, without av_block and ectopy": spec.pause_s is not None
        and (spec.rhythm not in SINUS or spec.av_block != "none" or spec.ectopy != "none"),
        "pac needs a sinus rhythm": spec.ectopy == "pac" and spec.rhythm not in SINUS,
        "ectopy needs rhythm sinus, sinus_arrhythmia or (pvc) atrial_fibrillation": spec.ectopy != "none"
        and spec.rhythm not in (*SINUS, "atrial_fibrillation"),
        "bigeminy and trigeminy need a sinus rhythm": spec.ectopy in ("bigeminy", "trigeminy") and spec.rhythm not in SINUS,
        "block_ratio needs atrial_flutter, mobitz_1 or mobitz_2": spec.block_ratio is not None
        and spec.rhythm != "atrial_flutter"
        and spec.av_block not in ("mobitz_1", "mobitz_2"),
        "mobitz_1 and mobitz_2 need a block_ratio of 3 or more": spec.av_block in ("mobitz_1", "mobitz_2")
        and spec.block_ratio is not None
        and spec.block_ratio < 3,
        "escape_rate needs av_block complete": spec.escape_rate is not None and spec.av_block != "complete",
        f"pr_ms needs a rhythm with P before QRS ({', '.join(P_BEFORE_QRS)}) that is conducted": spec.pr_ms is not None
        and (spec.rhythm not in P_BEFORE_QRS or spec.av_block == "complete"),
        "left_atrial and right_atrial need P waves": bool(structure & {"left_atrial", "right_atrial"}) and spec.rhythm not in P_BEFORE_QRS,
        "a ventricular paced rhythm has its own QRS: conduction, structure and ischaemia of the ventricles do not show": paced_qrs
        and (spec.conduction != "normal" or bool(structure - {"left_atrial", "right_atrial"}) or bool(ischaemia)),
        "rvh needs conduction normal and no lvh": "rvh" in structure
        and (spec.conduction != "normal" or bool(structure & {"lvh", "lvh_strain"})),
        "old_mi and rvh can not be combined": old_mi and "rvh" in structure,
        f"old_mi can not be combined with {', '.join(WIDE)}": old_mi and spec.conduction in WIDE,
        "one stemi at a time": sum(kind.startswith("stemi") for kind in ischaemia) > 1,
        "one old_mi at a time": sum(kind.startswith("old_mi") for kind in ischaemia) > 1,
    }
    faults = [text for text, broken in rules.items() if broken]
    if spec.rhythm == "atrial_flutter" and spec.rate is not None and spec.block_ratio is not None:
        atrial = spec.rate * spec.block_ratio
        if not 200 <= atrial <= 400:
            faults.append(f"flutter of {spec.rate:g} x {spec.block_ratio} = {atrial:g} per minute; 200 to 400 is needed")
    return faults
