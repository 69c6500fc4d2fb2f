"""States of frozen encoders, computed once: placeholder until the second commit of this file."""

from typing import Any, Protocol


class Features(Protocol):
    def ecg(self, key: str) -> Any: ...

    def page(self, key: str) -> Any: ...
