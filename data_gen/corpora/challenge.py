"""Corpora of the PhysioNet Challenges 2020 and 2021 and Chapman-Shaoxing-Ningbo: a .hea a recording, with age, sex and #Dx.

Codes are SNOMED CT concepts, or CPSC 2018's own names. These corpora name no patients: every recording is its own.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from data_gen.corpora.record import Record, age_of, sex_of
from gem.conversation import Origin
from gem.errors import ConfigError
from gem.knowledge.statement import statements

_MORE = {
    "59118001": ("rbbb",), "164909002": ("lbbb",), "17338001": ("premature_ventricular",), "63593006": ("premature_atrial",),
    "426627000": ("sinus_bradycardia",), "164934002": ("t_inversion", "low_t"), "428750005": ("st_depression", "t_inversion", "low_t"),
    "713422000": ("ectopic_atrial_rhythm", "supraventricular_tachycardia"), "164947007": ("av_block_1",),
    "164865005": ("q_inferior", "q_anteroseptal", "q_anterior", "q_lateral", "stemi_inferior", "stemi_anterior", "stemi_lateral"),
    "164861001": ("st_depression", "t_inversion"), "195042002": ("av_block_2_mobitz_1", "av_block_2_mobitz_2", "av_block_2_to_1"),
    "164917005": ("q_inferior", "q_anteroseptal", "q_anterior", "q_lateral"), "164930006": ("st_elevation", "st_depression"),
    "55930002": ("st_elevation", "st_depression"), "425623009": ("st_depression", "t_inversion"),
}  # fmt: skip
"""Concepts that the Dx map of the Challenges (2021, dx_mapping_scored/unscored.csv) treats as the same, or that are broader."""
_CPSC = {
    "Normal": (), "AF": ("atrial_fibrillation",), "I-AVB": ("av_block_1",), "LBBB": ("lbbb",), "RBBB": ("rbbb",),
    "PAC": ("premature_atrial",), "PVC": ("premature_ventricular",), "STD": ("st_depression", "stemi_posterior"),
    "STE": ("st_elevation", "stemi_inferior", "stemi_anterior", "stemi_lateral"),
}  # fmt: skip
_NORMAL = ("Normal", "426783006")
LICENCES = {
    "cpsc2018": "CC BY 4.0 (CPSC 2018 by PhysioNet Challenge 2020)",
    "georgia": "CC BY 4.0 (Georgia, PhysioNet Challenge 2020)",
    "csn": "CC BY 4.0 (Chapman-Shaoxing and Ningbo, doi 10.13026/wgex-er52)",
}


def by_snomed() -> dict[str, tuple[str, ...]]:
    """SNOMED CT concept -> findings that bear it out."""
    out = dict(_MORE)
    for key, statement in statements().items():
        if statement.snomed:
            out[statement.snomed] = tuple(dict.fromkeys((*out.get(statement.snomed, ()), key)))
    return out


CSN_COVERS = GEORGIA_COVERS = frozenset(key for keys in by_snomed().values() for key in keys)
CPSC_COVERS = frozenset(key for keys in _CPSC.values() for key in keys)


def records(folder: Path, base: Path, corpus: str) -> Iterator[Record]:
    """Every header below the folder. Raises `ConfigError` where there is none."""
    table: Mapping[str, tuple[str, ...]] = by_snomed() | _CPSC
    headers = sorted(folder.rglob("*.hea"))
    if not headers:
        raise ConfigError(f"{folder}: no .hea below it; {corpus} is a folder of WFDB headers with #Dx lines")
    for header in headers:
        facts = comments(header)
        names = [text.strip() for text in facts.get("dx", "").split(",") if text.strip()]
        path = header.with_suffix("")
        yield Record(
            id=f"{corpus}/{path.name}",
            corpus=corpus,
            path=path.relative_to(base).as_posix(),
            patient=f"{corpus}/{path.name}",
            age=age_of(facts.get("age")),
            sex=sex_of(facts.get("sex")),
            codes={name: table.get(name, ()) for name in names},
            normal=any(name in _NORMAL for name in names) and len(names) == 1 if names else None,
            author=Origin(kind="clinician", name=corpus),
            licence=LICENCES[corpus],
            data_class="open",
        )


def comments(header: Path) -> dict[str, str]:
    """ "# Age: 56" -> {"age": "56"}."""
    lines = header.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.lstrip("# ").partition(":") for line in lines if line.startswith("#"))
    return {key.strip().lower(): value.strip() for key, sign, value in pairs if sign}
