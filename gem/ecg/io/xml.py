"""XML from strangers, bounded: no entities, nothing external, no more elements than an ECG has.

A DOCTYPE line without declarations is accepted: every MUSE file names restecg.dtd, which is never fetched.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

import numpy as np

from gem.ecg.io.reader import TEXT_CAP_BYTES, whole
from gem.errors import ECGReadError

MOST_ELEMENTS = 200_000
"""The largest real file seen holds 1,500."""
DEEPEST = 100
_LONGEST_TAG = 1 << 18
"""Bytes between < and >: a tag of millions of attributes would fill the memory before its element is counted."""

_ENDLESS_TAG = re.compile(rb"<[^<>]{%d}" % _LONGEST_TAG)
_NAME = re.compile(r"<(?:[\w.-]{1,64}:)?([\w.-]{1,64})")


class _TooMuch(Exception):
    """More elements, or deeper, than any ECG file."""


class _Bounded(TreeBuilder):
    """A tree builder that counts and forgets the namespace."""

    def __init__(self) -> None:
        super().__init__()
        self.count = self.depth = 0

    def start(self, tag: Any, attrs: Any) -> Any:
        self.count += 1
        self.depth += 1
        if self.count > MOST_ELEMENTS or self.depth > DEEPEST:
            raise _TooMuch
        return super().start(tag.rpartition("}")[2], attrs)

    def end(self, tag: Any) -> Any:
        self.depth -= 1
        return super().end(tag.rpartition("}")[2])


def root_of(head: bytes) -> str | None:
    """The name of the root element (without namespace) in the first bytes of an XML file, or None."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", errors="ignore")
    else:
        text = head.decode("utf-8-sig", errors="replace")
    text = text.lstrip()
    while text.startswith(("<?", "<!")):
        if text.startswith("<!DOCTYPE"):
            inside, close = text.find("["), text.find(">")
            end = "]" if 0 <= inside < close else ">"
        else:
            end = "?>" if text.startswith("<?") else "-->"
        text = text.partition(end)[2].lstrip()
        text = text.removeprefix(">").lstrip() if end == "]" else text
    found = _NAME.match(text)
    return found[1] if found else None


def parse(path: Path) -> Element:
    """The root element of an XML file, tags without namespace.

    Raises `ECGReadError`: too_large above 20 MB or `MOST_ELEMENTS`, unsafe for entities and external references,
    malformed for anything that is not well-formed.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    content = whole(path, TEXT_CAP_BYTES)
    if _ENDLESS_TAG.search(content):
        raise ECGReadError(path, f"holds a tag longer than {_LONGEST_TAG >> 10} kB, which no ECG file has", "unsafe")
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=False, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(content)
        root: Element = parser.close()
    except DefusedXmlException as fault:
        kind = type(fault).__name__.removesuffix("Forbidden").lower()
        raise ECGReadError(path, f"declares XML {kind}, which are never resolved; export it without them", "unsafe") from fault
    except _TooMuch as fault:
        raise ECGReadError(path, f"holds over {MOST_ELEMENTS} XML elements or nests deeper than {DEEPEST}", "too_large") from fault
    except (ParseError, LookupError, ValueError, AssertionError) as fault:
        raise ECGReadError(path, f"not well-formed XML ({str(fault)[:100]})", "malformed") from fault
    return root


def text_of(parent: Element | None, path: str) -> str:
    """The stripped text of the first element at `path` below `parent`, "" when there is none."""
    found = parent.find(path) if parent is not None else None
    return (found.text or "").strip() if found is not None else ""


def attribute(parent: Element | None, path: str, name: str = "value") -> str:
    """An attribute of the first element at `path` below `parent`, "" when there is none."""
    found = parent.find(path) if parent is not None else None
    return found.get(name, "").strip() if found is not None else ""


def _pieces(text: str, size: int = 1 << 18) -> Iterator[str]:
    """The text in pieces of about `size` characters, cut at blanks."""
    at = 0
    while at < len(text):
        end = min(at + size, len(text))
        while end < len(text) and not text[end].isspace():
            end += 1
        yield text[at:end]
        at = end


def numbers(text: str, path: Path, missing: tuple[str, ...] = ()) -> np.ndarray:
    """Numbers separated by blanks as [n] float64; words of `missing` become NaN. Raises `ECGReadError` (malformed)."""
    parts = []
    for piece in _pieces(text):
        words = piece.split()
        if missing:
            words = ["nan" if word in missing else word for word in words]
        try:
            parts.append(np.array(words, dtype=np.float64))
        except ValueError as fault:
            raise ECGReadError(path, f"holds samples that are no numbers ({str(fault)[:80]})", "malformed") from fault
    return np.concatenate(parts) if parts else np.empty(0)
