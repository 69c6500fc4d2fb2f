"""The HTML page: self-contained, escaped, and drawn to scale."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import gem
from gem.ecg.recording import Recording
from gem.report.markdown import markdown
from gem.report.page import page
from gem.report.paper import MM_PER_MV, MM_PER_S
from gem.report.report import NOTICE, SECTIONS
from gem.simulate import simulate_recording


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulate_recording("rbbb").recording


@pytest.fixture(scope="module")
def html(recording: Recording) -> str:
    return page(gem.interpret(recording), recording)


def test_nothing_is_loaded_from_elsewhere_and_the_notice_is_there(html: str) -> None:
    assert not re.search(r"""(?:src|href)\s*=|url\((?!#)|@import|https?://(?!www\.w3\.org)""", html)
    assert "default-src 'none'" in html
    assert NOTICE in html
    assert "{{" not in html


def test_tags_are_balanced(html: str) -> None:
    class Balance(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.depth: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "input", "path", "rect", "br"):
                self.depth.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in ("path", "rect"):
                assert self.depth.pop() == tag

    parser = Balance()
    parser.feed(html)
    assert parser.depth == []


def test_all_twelve_leads_and_the_strip_are_drawn_once_in_their_place(html: str) -> None:
    names = re.findall(r'class="lead">([^<]+)<', html)
    assert names == ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6", "II"]


def test_the_trace_is_to_scale(recording: Recording, html: str) -> None:
    """Lead I of the first 2.5 s, read back from its path: 25 mm a second, 10 mm a millivolt."""
    path = re.search(r'class="lead">I</text><path class="trace" d="([^"]+)"', html)
    assert path is not None
    points = np.array([[float(v) for v in p.split()] for p in re.split("[ML]", path[1])[1:]])
    lead = recording.lead("I")
    step = int(recording.fs / 250)
    expected = lead[: len(points) * step : step] - np.median(lead)
    np.testing.assert_allclose((points[:, 0] - points[0, 0]) / MM_PER_S, np.arange(len(points)) / 250, atol=1e-3)
    np.testing.assert_allclose(-(points[:, 1] - points[:, 1].mean()) / MM_PER_MV, expected - expected.mean(), atol=2e-3)


def test_a_sentence_names_the_leads_and_waves_that_it_rests_on(html: str) -> None:
    sentence = re.search(r'data-focus="([^"]+)"[^>]*>Complete right bundle branch block:', html)
    assert sentence is not None
    assert "V1" in sentence[1]
    assert "qrs" in sentence[1]


def test_text_from_a_file_is_escaped() -> None:
    wicked = '<img onerror=x>"&'
    recording = replace(simulate_recording("normal").recording, source=wicked)
    report = gem.interpret(recording)
    html = page(report, recording)
    assert "<img" not in html
    assert "&lt;img onerror=x&gt;" in html
    assert "<img" not in markdown(report)


def test_a_missing_lead_leaves_an_empty_cell_that_says_so() -> None:
    recording = simulate_recording("normal").recording.only(("I", "II", "III", "aVR", "aVL", "aVF", "V1"))
    assert page(gem.interpret(recording), recording).count("not recorded") >= 5


def test_markdown_has_the_sections_the_notice_and_the_table() -> None:
    text = markdown(gem.interpret(simulate_recording("normal").recording))
    for section in (*SECTIONS, "Measurements"):
        assert f"## {section}" in text
    assert f"> {NOTICE}" in text
    assert "| pr interval | " in text
