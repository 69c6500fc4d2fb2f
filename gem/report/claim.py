"""Free text by anyone -> claims: checkable assertions with their place in the text.

Rules, no model: a sentence becomes tokens (tokens.py, lexicon.py); numbers, leads and words attach to the
term they stand with; negation reaches from its word to the end of the clause. What is not understood
makes no claim, so a sentence without claims is "not checkable", never "supported".
"""

import re
from dataclasses import dataclass, field, replace

from gem.report.tokens import Token, tokens

_SHIFTS = ("st_elevation", "st_depression", "t_inversion", "t_low", "q_pathological", "st_change")
"""Waves whose very name is an assertion."""
_UNIT_HOME = {"bpm": "heart_rate", "deg": "qrs_axis"}
_FILLER = re.compile(r"^[\s,()/&-]*(?:(?:and|or|of|the|a|an|nor|as well as|plus)\s+)*[\s,()/&-]*$", re.IGNORECASE)
_LINE = re.compile(r"[^\n]+")
_HEADING = re.compile(
    r"^\s*(?:#+\s.*$|[*_]*(?:(?:technical|quality|rate|rhythm|intervals?|axis|conduction|chambers?|isch?a?emia|ischaemia|repolari[sz]ation"
    r"|conclusions?|impression|findings?|interpretation|summary|diagnos[ie]s|comment|morphology|st-t|and|of|the|&|/|,|step \d+)"
    r"[\s,]*)+[*_]*:[*_]*)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(•*-])")


@dataclass(frozen=True)
class Claim:
    """One assertion.

    start, end  its place in the text
    sentence    number of the sentence it stands in
    kind        "value" (a number), "finding" (a diagnosis), "wave" (a wave is there, or not), "word" (a direction,
                form or size), "count" (how many beats of a kind)
    subject     quantity, wave or, for findings, the ids of which any makes it true
    leads       where, () over all leads or not said
    beats       which beats, counted from 1, () when not said
    relation    "=", "~", "<", "<=", ">", ">=" or "range"
    value, upper, unit   of a value or count
    word        of a word claim, or the pattern of a QRS ("rSR'")
    negated     the text denies it
    hedged      the text only considers it
    """

    text: str
    start: int
    end: int
    sentence: int
    kind: str
    subject: tuple[str, ...]
    leads: tuple[str, ...] = ()
    beats: tuple[int, ...] = ()
    relation: str = "="
    value: float | None = None
    upper: float | None = None
    unit: str = ""
    word: str = ""
    negated: bool = False
    hedged: bool = False


@dataclass
class _Slot:
    """One thing said of a term: a number, a word, the leads where, or several of these together."""

    number: Token | None = None
    word: str = ""
    negated: bool = False
    leads: tuple[str, ...] = ()
    end: int = 0


@dataclass
class _Mention:
    """A term and what attaches to it."""

    token: Token
    negated: bool
    hedged: bool
    slots: list[_Slot] = field(default_factory=list)
    closed: bool = False
    count: Token | None = None
    beats: tuple[int, ...] = ()
    end: int = 0
    start: int = 0


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of every sentence; a line break always ends one, and a heading ("Rate and rhythm:") is none."""
    spans = []
    for line in _LINE.finditer(text):
        heading = _HEADING.match(line.group())
        at = line.start() + (heading.end() if heading else 0)
        for piece in _SENTENCE_END.split(text[at : line.end()]):
            at = text.index(piece, at)
            said = piece.strip()
            if said:
                begin = at + piece.index(said)
                spans.append((begin, begin + len(said)))
            at += len(piece)
    return spans


def read_claims(text: str) -> list[Claim]:
    """All claims of a text, in order."""
    out: list[Claim] = []
    for number, (start, end) in enumerate(sentences(text)):
        for mention in _mentions(text[start:end]):
            out += _claims(mention, text[start:end], start, number)
    return out


def _mentions(sentence: str) -> list[_Mention]:
    """Terms of a sentence with everything that attaches to them."""
    reader = _Reader(sentence)
    for token in tokens(sentence):
        getattr(reader, f"on_{token.kind}")(token)
        reader.last_end = token.end
    return reader.done()


class _Reader:
    """Walks through the tokens of one sentence once, keeping the terms in focus."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self.all: list[_Mention] = []
        self.focus: list[_Mention] = []
        self.open: list[Token] = []
        self.negated = self.hedged = False
        self.silent = False
        self.last_end = 0

    def done(self) -> list[_Mention]:
        for token in self.open:
            if token.kind == "number" and token.unit in _UNIT_HOME:
                self._alone(token)
        return [m for m in self.all if m.slots] if self.silent else self.all

    def _gap(self, token: Token) -> str:
        return self.sentence[self.last_end : token.start]

    # terms ---------------------------------------------------------------
    def _term(self, token: Token) -> None:
        mention = _Mention(token, self.negated, self.hedged, start=token.start, end=token.end)
        joined = bool(self.focus) and not self.open and _FILLER.match(self._gap(token)) is not None and not self._attached(self.focus[-1])
        self.focus = [*self.focus, mention] if joined else [mention]
        self.all.append(mention)
        waiting, self.open = self.open, []
        for earlier in waiting:
            mention.start = min(mention.start, earlier.start)
            if earlier.kind == "word":
                mention.slots.append(_Slot(word=earlier.ids[0], end=earlier.end))
            elif earlier.kind == "count":
                mention.count = earlier
            else:
                getattr(self, f"on_{earlier.kind}")(earlier)

    @staticmethod
    def _attached(mention: _Mention) -> bool:
        return bool(mention.slots) or mention.closed

    on_finding = on_quantity = on_wave = _term

    # what attaches -------------------------------------------------------
    def on_number(self, token: Token) -> None:
        if token.unit in _UNIT_HOME and not any(self._suits(m, token) for m in self.focus):
            home = next((m for m in reversed(self.all) if self._suits(m, token) and not m.slots), None)
            if home is None:
                self._alone(token)
                return
            home.slots.append(_Slot(token, end=token.end))
            home.end = max(home.end, token.end)
            return
        target = next((m for m in reversed(self.focus) if self._suits(m, token)), None)
        prenominal = re.match(r"\s*(?:of\s+|in\s+the\s+)?[A-Za-z][\w' -]{0,22}", self.sentence[token.end :]) is not None
        if target is None or (target.slots and target.slots[-1].number is not None and prenominal and self._next_is_term(token)):
            self.open.append(token)
            return
        if target.slots and target.slots[-1].number is None:
            target.slots[-1].number, target.slots[-1].end = token, token.end
        else:
            target.slots.append(_Slot(token, end=token.end))
        target.end = max(target.end, token.end)

    def _next_is_term(self, token: Token) -> bool:
        """Whether a wave or quantity follows the number before any lead does ("0.2 mV ST elevation")."""
        following = [t for t in tokens(self.sentence[token.end :]) if t.kind in ("leads", "wave", "quantity", "number", "break")]
        return bool(following) and following[0].kind in ("wave", "quantity") and following[0].start <= 4

    @staticmethod
    def _suits(mention: _Mention, number: Token) -> bool:
        """Whether a term can carry a number of this unit."""
        key = mention.token.ids[0]
        if mention.token.kind == "finding":
            return key in ("pause",) and number.unit in ("s", "ms")
        if number.unit == "bpm":
            return key in ("heart_rate", "atrial_rate")
        if number.unit == "deg":
            return key.endswith("axis")
        if number.unit == "%":
            return False
        if number.unit in ("ms", "s"):
            return not key.endswith("axis") and key not in ("heart_rate", "atrial_rate", "sokolow_lyon", "cornell", "rhythm_regularity")
        if number.unit in ("mV ms", "mm s"):
            return key == "p_terminal_force"
        return mention.token.kind == "wave" or key in ("sokolow_lyon", "cornell", "limb_voltage", "chest_voltage")

    def _alone(self, token: Token) -> None:
        """A number whose unit says what it is of ("at 64 bpm")."""
        home = Token("quantity", token.start, token.end, ids=(_UNIT_HOME[token.unit],))
        self.all.append(_Mention(home, self.negated, self.hedged, [_Slot(token, end=token.end)], start=token.start, end=token.end))

    def on_leads(self, token: Token) -> None:
        targets = self.focus
        if not targets or (self.open and any(t.kind in ("number", "word") for t in self.open)):
            self.open.append(token)
            return
        for mention in targets:
            last = mention.slots[-1] if mention.slots else None
            if last is not None and not last.leads:
                last.leads, last.end = token.leads, token.end
            else:
                mention.slots.append(_Slot(leads=token.leads, end=token.end))
            mention.end = max(mention.end, token.end)

    def on_beats(self, token: Token) -> None:
        if not self.focus:
            self.open.append(token)
        for mention in self.focus:
            mention.beats, mention.end = token.beats, token.end

    def on_count(self, token: Token) -> None:
        gap = re.match(r"\s*(?:isolated |single |frequent |such )?", self.sentence[token.end :])
        rest = self.sentence[token.end + (gap.end() if gap else 0) :]
        following = tokens(rest)
        if following and following[0].kind == "finding" and following[0].start <= 1:
            self.open.append(token)

    def on_word(self, token: Token) -> None:
        key = token.ids[0]
        if key in ("tachycardia", "bradycardia", "normal_ecg", "r_progression"):
            self._term(replace(token, kind="quantity"))
            return
        if self._stands_before_its_term(token):
            self.open.append(token)
            return
        if key in ("regular", "irregular") and not any(m.token.ids[0] == "rhythm_regularity" for m in self.focus):
            home = Token("quantity", token.start, token.end, ids=("rhythm_regularity",))
            self.all.append(_Mention(home, self.negated, self.hedged, [_Slot(word=key)], start=token.start, end=token.end))
            return
        for mention in self.focus:
            if mention.token.kind in ("wave", "quantity"):
                denied = self.negated and not mention.negated
                last = mention.slots[-1] if mention.slots else None
                if last is not None and last.leads and not last.word and last.number is None:
                    last.word, last.negated = key, denied
                else:
                    mention.slots.append(_Slot(word=key, negated=denied, end=token.end))
                mention.end = max(mention.end, token.end)

    def _stands_before_its_term(self, token: Token) -> bool:
        """Whether a word belongs to the term that follows ("inverted T waves"), not to the one before ("is inverted")."""
        if re.search(r"\b(?:is|are|was|were|remains?|appears?)\s+(?:\w+ly\s+)?$", self.sentence[: token.start]):
            return False
        rest = tokens(self.sentence[token.end :])
        between = self.sentence[token.end : token.end + rest[0].start] if rest else "."
        return bool(rest) and rest[0].kind in ("wave", "quantity") and re.fullmatch(r"[\w\s-]{0,14}", between) is not None

    # marks ---------------------------------------------------------------
    def on_no(self, token: Token) -> None:
        self.negated = True
        if self.focus and re.match(r"\s*(?:is|are|was|were)\s*$", self._gap(token)):
            return
        self.focus = []

    def on_gone(self, token: Token) -> None:
        for mention in self.focus:
            mention.negated, mention.end, mention.closed = not mention.negated, token.end, True

    def on_maybe(self, token: Token) -> None:
        after = re.search(r"(?:excluded|ruled out)$", self.sentence[token.start : token.end]) is not None
        for mention in self.focus if after else []:
            mention.hedged = True
        self.hedged = self.hedged or not after

    def on_open(self, token: Token) -> None:
        """ "Not assessed: ..." lists what nothing is claimed of."""
        self.silent = True

    def on_paren(self, token: Token) -> None:
        """What stands in parentheses is not denied by a "no" before them."""
        self.negated = False
        for mention in self.focus:
            mention.closed = True

    def on_break(self, token: Token) -> None:
        self.negated = self.hedged = False
        self.focus, self.open = [], []


def _claims(mention: _Mention, sentence: str, offset: int, number: int) -> list[Claim]:
    """The claims that one mention makes."""
    token = mention.token
    base = Claim(
        text=sentence[mention.start : mention.end],
        start=offset + mention.start,
        end=offset + mention.end,
        sentence=number,
        kind=token.kind,
        subject=token.ids,
        beats=mention.beats,
        negated=mention.negated,
        hedged=mention.hedged,
    )
    leads = tuple(dict.fromkeys(lead for slot in mention.slots for lead in slot.leads))
    out = []
    for slot in mention.slots:
        n, where = slot.number, slot.leads or leads
        if n is not None:
            out.append(replace(base, kind="value", leads=where, relation=n.relation, value=n.value, upper=n.upper, unit=n.unit))
        if slot.word:
            out.append(replace(base, kind="word", leads=where, word=slot.word, negated=base.negated != slot.negated))
    if token.kind == "finding":
        if mention.count is not None:
            out.append(replace(base, kind="count", value=mention.count.value))
        out.append(replace(base, leads=leads))
    elif token.kind == "wave":
        placed = tuple(lead for slot in mention.slots if slot.number is None and not slot.word for lead in slot.leads)
        unplaced = not any(slot.number for slot in mention.slots)
        if token.ids[0] == "pattern":
            out.append(replace(base, kind="word", leads=leads, word=sentence[token.start : token.end]))
        elif placed or (token.ids[0] in _SHIFTS and unplaced) or (base.negated and not out and token.ids[0] in ("p", "q", "u")):
            out.append(replace(base, leads=placed or leads))
    elif token.ids[0] in ("tachycardia", "bradycardia", "normal_ecg", "r_progression"):
        out.append(replace(base, kind="word", word=token.ids[0]))
    return out
