"""Lead codes that several formats share.

Source: ISO/IEEE 11073-10101 (MDC_ECG_LEAD_*, partition 2) and EN 1064 / ISO 11073-91064, table of section 3:
both number the leads alike. DICOM writes them as "5.6.3-9-61" (SCPECG) or "2:61" (MDC), FHIR as 131072 + 61
(MDC_ECG_LEAD_III) or 131328 + 61 (MDC_ECG_ELEC_POTL_III).
"""

import re

from gem.ecg.lead import canonical

_LEADS = {
    1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 9: "V7", 10: "V2R", 11: "V3R", 12: "V4R", 13: "V5R",
    14: "V6R", 15: "V7R", 16: "VX", 17: "VY", 18: "VZ", 19: "CC5", 20: "CM5", 21: "LA", 22: "RA", 23: "LL", 61: "III", 62: "aVR",
    63: "aVL", 64: "aVF", 65: "-aVR", 66: "V8", 67: "V9", 68: "V8R", 69: "V9R", 70: "D", 71: "A", 72: "J", 86: "MCL",
}  # fmt: skip
LEAD_CODE = {name: code for code, name in _LEADS.items()}
"""Standard lead name -> its number."""

MDC_LEAD, MDC_POTENTIAL = 131072, 131328
"""Base of the numeric codes MDC_ECG_LEAD_* and MDC_ECG_ELEC_POTL_*."""

_TEXT = re.compile(r"MDC_ECG_(?:LEAD|ELEC_POTL)_(\w{1,12})\Z", re.ASCII)
_NUMBER = re.compile(r"(?:5\.6\.3-9-|2:)?(\d{1,6})\Z", re.ASCII)


def lead_of(code: str | int) -> str | None:
    """The lead a code names ("5.6.3-9-1", "2:1", 131073, 131329, 1, "MDC_ECG_LEAD_I"), or None."""
    text = str(code).strip()
    named = _TEXT.match(text)
    if named:
        return canonical(named[1])
    number = _NUMBER.match(text)
    if not number:
        return None
    value = int(number[1])
    for base in (MDC_POTENTIAL, MDC_LEAD):
        if value > base:
            value -= base
            break
    return _LEADS.get(value)
