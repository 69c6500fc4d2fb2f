"""German reports of PTB-XL in English, phrase by phrase: a report is translated as a whole or not at all."""

import re
from functools import cache
from importlib.resources import files

import yaml

_GERMAN = re.compile(
    r"sinus(?:rhythmus|tachy|brady|arrhyth)|lagetyp|linkstyp|rechtstyp|schenkelblock|vorhof|ekg|hypertrophie|ableitungen|niederspannung"
    r"|infarkt|unbest|kammer|ueberdreht|pathologisch|extrasystol|veränder|schrittmacher"
)
_SWEDISH = re.compile(r"sinusrytm|el-axel|inget s|arytmi|vÄnster|hÖger", re.IGNORECASE)
_NOISE = re.compile(r"4\.46|unbestÄtigter bericht|unbestätigter bericht|Edit:.*$", re.IGNORECASE)


def language_of(report: str) -> str:
    """ "German", "Swedish", "English", or "" for no report."""
    text = report.lower()
    if not text.strip():
        return ""
    return "German" if _GERMAN.search(text) else "Swedish" if _SWEDISH.search(report) else "English"


@cache
def _phrases() -> dict[str, str]:
    """German phrase -> English, the longest first."""
    raw = yaml.safe_load((files("data_gen") / "corpora" / "german.yaml").read_text(encoding="utf-8"))
    return dict(sorted(raw.items(), key=lambda item: -len(item[0])))


def _plain(report: str) -> str:
    """Lower case, without what devices add."""
    return " ".join(_NOISE.sub(" ", report.replace("Ä", "ä").replace("Ö", "ö").replace("Ü", "ü")).lower().split())


def heard_of(report: str) -> str:
    """What of a report is understood, in English: its known phrases, the longest first. No translation; enough to dispute a finding."""
    rest, said = _plain(report), []
    for phrase, english in _phrases().items():
        pattern = rf"(?<![a-zäöüß]){re.escape(phrase)}(?![a-zäöüß])"
        if re.search(pattern, rest):
            rest = re.sub(pattern, ";", rest)
            said.append(f"{english[:1].upper()}{english[1:]}.")
    return " ".join(said)


def english_of(report: str) -> str:
    """The report in English when every phrase of it is known, else ""."""
    rest, said = _plain(report), []
    while rest:
        found = next((phrase for phrase in _phrases() if re.match(rf"{re.escape(phrase)}(?![a-zäöüß])", rest)), None)
        if found is None:
            return ""
        said.append(_phrases()[found])
        rest = rest[len(found) :].lstrip(" .,;")
    return f"{'. '.join(text[:1].upper() + text[1:] for text in said)}." if said else ""
