"""Named specs: at least one for every finding, rhythm, reversal and noise."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gem.simulate.spec import SimulationSpec

_TABLE: dict[str, dict[str, Any]] = {
    # rhythm
    "normal": {"rate": 72, "age": 45, "sex": "male", "seed": 1},
    "normal_woman": {"rate": 78, "age": 34, "sex": "female", "amplitude": 0.85, "seed": 2},
    "bradycardia": {"rate": 46, "age": 58, "sex": "male", "seed": 3},
    "tachycardia": {"rate": 128, "age": 30, "sex": "female", "seed": 4},
    "sinus_arrhythmia": {"rhythm": "sinus_arrhythmia", "rate": 68, "age": 19, "sex": "male", "seed": 5},
    "sinus_pause": {"rate": 62, "pause_s": 3.4, "noise": {"white": 40}, "age": 74, "sex": "male", "seed": 6},
    "atrial_fibrillation": {"rhythm": "atrial_fibrillation", "rate": 92, "age": 71, "sex": "male", "seed": 7},
    "atrial_fibrillation_fast": {"rhythm": "atrial_fibrillation", "rate": 138, "age": 66, "sex": "female", "seed": 8},
    "atrial_flutter_2_to_1": {"rhythm": "atrial_flutter", "block_ratio": 2, "rate": 148, "age": 63, "sex": "male", "seed": 9},
    "atrial_flutter_3_to_1": {"rhythm": "atrial_flutter", "block_ratio": 3, "rate": 96, "age": 64, "sex": "male", "seed": 10},
    "atrial_flutter_4_to_1": {"rhythm": "atrial_flutter", "block_ratio": 4, "rate": 72, "age": 70, "sex": "female", "seed": 11},
    "atrial_flutter_variable": {"rhythm": "atrial_flutter", "age": 69, "sex": "male", "seed": 12},
    "supraventricular_tachycardia": {"rhythm": "supraventricular_tachycardia", "rate": 184, "age": 27, "sex": "female", "seed": 3},
    "premature_atrial": {"rate": 70, "ectopy": "pac", "age": 52, "sex": "female", "seed": 14},
    "premature_ventricular": {"rate": 70, "ectopy": "pvc", "age": 57, "sex": "male", "seed": 15},
    "bigeminy": {"rate": 74, "ectopy": "bigeminy", "age": 61, "sex": "male", "seed": 16},
    "trigeminy": {"rate": 74, "ectopy": "trigeminy", "age": 60, "sex": "female", "seed": 17},
    "paced_ventricular": {"rhythm": "paced_ventricular", "rate": 70, "age": 81, "sex": "male", "seed": 18},
    "paced_atrial": {"rhythm": "paced_atrial", "rate": 70, "age": 76, "sex": "female", "seed": 19},
    "paced_dual": {"rhythm": "paced_dual", "rate": 68, "age": 79, "sex": "male", "seed": 20},
    # AV conduction
    "av_block_1": {"rate": 66, "pr_ms": 260, "age": 68, "sex": "male", "seed": 21},
    "av_block_2_mobitz_1": {"rate": 78, "av_block": "mobitz_1", "block_ratio": 4, "age": 55, "sex": "male", "seed": 22},
    "av_block_2_mobitz_2": {
        "rate": 84, "av_block": "mobitz_2", "block_ratio": 4, "conduction": "rbbb", "age": 77, "sex": "male", "seed": 23,
    },
    "av_block_2_to_1": {"rate": 88, "av_block": "2_to_1", "age": 72, "sex": "female", "seed": 24},
    "av_block_3_narrow": {"rate": 88, "av_block": "complete", "escape": "narrow", "age": 63, "sex": "female", "seed": 25},
    "av_block_3_wide": {"rate": 92, "av_block": "complete", "escape": "wide", "age": 80, "sex": "male", "seed": 26},
    # conduction in the ventricles
    "rbbb": {"conduction": "rbbb", "age": 62, "sex": "male", "seed": 27},
    "rbbb_incomplete": {"conduction": "rbbb_incomplete", "age": 28, "sex": "male", "seed": 28},
    "lbbb": {"conduction": "lbbb", "age": 69, "sex": "female", "seed": 29},
    "lbbb_incomplete": {"conduction": "lbbb_incomplete", "age": 66, "sex": "male", "seed": 30},
    "lafb": {"conduction": "lafb", "age": 65, "sex": "male", "seed": 31},
    "lpfb": {"conduction": "lpfb", "age": 60, "sex": "male", "seed": 32},
    "rbbb_lafb": {"conduction": "rbbb_lafb", "age": 73, "sex": "male", "seed": 33},
    "ivcd": {"conduction": "ivcd", "qrs_ms": 130, "age": 64, "sex": "male", "seed": 34},
    "pre_excitation": {"conduction": "pre_excitation", "age": 24, "sex": "male", "seed": 35},
    "short_pr": {"rate": 80, "pr_ms": 106, "p_ms": 88, "age": 33, "sex": "female", "seed": 36},
    # chambers and axis
    "lvh": {"structure": ("lvh",), "age": 54, "sex": "male", "seed": 37},
    "lvh_strain": {"structure": ("lvh_strain", "left_atrial"), "age": 67, "sex": "male", "seed": 38},
    "rvh": {"structure": ("rvh", "right_atrial"), "age": 48, "sex": "female", "seed": 39},
    "left_atrial": {"structure": ("left_atrial",), "age": 61, "sex": "female", "seed": 40},
    "right_atrial": {"structure": ("right_atrial",), "age": 56, "sex": "male", "seed": 41},
    "left_axis": {"axis_deg": -38, "age": 59, "sex": "male", "seed": 42},
    "right_axis": {"axis_deg": 105, "age": 22, "sex": "male", "seed": 43},
    "extreme_axis": {"axis_deg": -130, "age": 70, "sex": "male", "seed": 44},
    "low_voltage": {"amplitude": 0.32, "p_amplitude": 0.7, "t_amplitude": 1.2, "age": 63, "sex": "female", "seed": 45},
    # ischaemia
    "stemi_inferior": {"ischaemia": ("stemi_inferior",), "rate": 64, "age": 58, "sex": "male", "seed": 46},
    "stemi_anterior": {"ischaemia": ("stemi_anterior",), "rate": 88, "age": 55, "sex": "male", "seed": 47},
    "stemi_lateral": {"ischaemia": ("stemi_lateral",), "rate": 80, "age": 62, "sex": "female", "seed": 48},
    "stemi_posterior": {"ischaemia": ("stemi_posterior",), "rate": 76, "age": 60, "sex": "male", "seed": 49},
    "old_mi_inferior": {"ischaemia": ("old_mi_inferior",), "age": 66, "sex": "male", "seed": 50},
    "old_mi_anteroseptal": {"ischaemia": ("old_mi_anteroseptal",), "age": 68, "sex": "male", "seed": 51},
    "old_mi_anterior": {"ischaemia": ("old_mi_anterior",), "age": 71, "sex": "male", "seed": 52},
    "old_mi_lateral": {"ischaemia": ("old_mi_lateral",), "age": 64, "sex": "female", "seed": 53},
    "st_depression": {"ischaemia": ("st_depression",), "rate": 96, "age": 69, "sex": "female", "seed": 54},
    "t_inversion": {"ischaemia": ("t_inversion",), "age": 57, "sex": "female", "seed": 55},
    "early_repolarisation": {"ischaemia": ("early_repolarisation",), "rate": 58, "age": 25, "sex": "male", "seed": 56},
    "long_qt": {"qtc_ms": 510, "rate": 64, "age": 29, "sex": "female", "seed": 57},
    "short_qt": {"qtc_ms": 330, "rate": 70, "age": 26, "sex": "male", "seed": 58},
    # electrodes and noise
    "swap_arms": {"reversal": "LA/RA", "age": 50, "sex": "male", "seed": 59},
    "swap_ra_ll": {"reversal": "RA/LL", "age": 51, "sex": "male", "seed": 60},
    "swap_la_ll": {"reversal": "LA/LL", "age": 52, "sex": "male", "seed": 61},
    "swap_ra_rl": {"reversal": "RA/RL", "age": 53, "sex": "male", "seed": 62},
    "swap_la_rl": {"reversal": "LA/RL", "age": 53, "sex": "female", "seed": 63},
    "swap_v1_v3": {"reversal": "V1/V3", "age": 54, "sex": "female", "seed": 64},
    "noisy_wander": {"noise": {"wander": -4}, "seed": 65},
    "noisy_mains": {"noise": {"mains_50": 6}, "seed": 66},
    "noisy_muscle": {"noise": {"muscle": 8}, "seed": 67},
    "noisy_motion": {"noise": {"motion": 2}, "seed": 68},
    "noisy": {"noise": {"wander": 4, "mains_60": 18, "muscle": 16, "motion": 14, "white": 30}, "seed": 69},
    "lead_off": {"flat": ("V3",), "seed": 70},
    "clipped": {"clip_mv": 0.8, "seed": 71},
}  # fmt: skip

PRESETS: Mapping[str, SimulationSpec] = MappingProxyType({name: SimulationSpec(name=name, **fields) for name, fields in _TABLE.items()})
"""Name -> spec. Every one fixes its seed; another seed gives another heart with the same condition."""
