"""Objects of a definition in Amazon States Language: their fields, and what is wrong with them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from simulator.scenario.problems import Finding, nearest_or_known, shown
from simulator.scenario.reading import KeyPath
from simulator.scenario.units import kind_of

_WITHOUT_EFFECT: Final = frozenset({"Comment"})
NOT_SUPPORTED: Final = "is not supported"


class Part:
    """One object of a definition, at its path.

    ``findings`` are what makes it wrong; ``data`` are what is wrong only if something depends on the data.
    """

    def __init__(self, value: Any, path: KeyPath, findings: list[Finding], data: list[Finding]) -> None:
        self.path = path
        self.findings = findings
        self.data = data
        self.value: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        if not isinstance(value, Mapping):
            findings.append(Finding(path, f"is {kind_of(value)}; an object is due"))

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def wrong(self, key: str, message: str) -> None:
        """Say what is wrong with a field."""
        self.findings.append(Finding((*self.path, key), message))

    def only(self, known: Iterable[str], unsupported: Mapping[str, str]) -> None:
        """Name every field that is not known, or known to AWS and not supported here."""
        allowed = {*known, *_WITHOUT_EFFECT}
        for key in self.value:
            if key in allowed:
                continue
            if key in unsupported:
                self.wrong(key, f"{NOT_SUPPORTED}; {unsupported[key]}")
            else:
                every = sorted({*allowed, *unsupported})
                self.wrong(key, f"is not a field here; {nearest_or_known(key, every)}")

    def at(self, key: str) -> "Part":
        """Give the object in a field."""
        return Part(self.value[key], (*self.path, key), self.findings, self.data)

    def each(self, key: str) -> list["Part"]:
        """Give the objects of a list in a field; none where there is no such field."""
        if key not in self.value:
            return []
        value = self.value[key]
        if not isinstance(value, list):
            self.wrong(key, f"is {kind_of(value)}; a list is due")
            return []
        place = (*self.path, key)
        return [Part(one, (*place, index), self.findings, self.data) for index, one in enumerate(value)]

    def text(self, key: str, *, required: bool = False, default: str = "") -> str:
        """Give a text."""
        if key not in self.value:
            if required:
                self.wrong(key, "is missing")
            return default
        value = self.value[key]
        if isinstance(value, str) and value:
            return value
        self.wrong(key, f"is {kind_of(value) if value != '' else 'empty'}; a text is due")
        return default

    def word(self, key: str, words: tuple[str, ...], default: str) -> str:
        """Give one of a few words."""
        text = self.text(key, default=default)
        if text in words:
            return text
        self.wrong(key, f"is {shown(text)}; {nearest_or_known(text, words)}")
        return default

    def names(self, key: str) -> tuple[str, ...]:
        """Give a list of texts, of which one at least is due."""
        value = self.value.get(key)
        if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
            return tuple(value)
        said = "is missing" if key not in self.value else f"is {kind_of(value) if value else 'empty'}"
        self.wrong(key, f"{said}; a list of names is due")
        return ()

    def number(self, key: str, low: float, high: float, default: float, *, whole: bool = True) -> float:
        """Give a number in a range."""
        if key not in self.value:
            return default
        value = self.value[key]
        kind = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind):
            due = f"a {'whole ' * whole}number is due"
            if isinstance(value, str) and "{%" in value:
                due = f"an expression here {NOT_SUPPORTED}, {due}"
            self.wrong(key, f"is {kind_of(value)}; {due}")
            return default
        if not low <= value <= high:
            self.wrong(key, f"is {value:g}; allowed: {low:g} to {high:,.0f}")
            return default
        return float(value)

    def whole(self, key: str, low: int, high: int, default: int) -> int:
        """Give a whole number in a range."""
        return int(self.number(key, low, high, default))

    def us(self, key: str, low: int = 1) -> int | None:
        """Give seconds as microseconds; None where there is no such field."""
        return self.whole(key, low, 99_999_999, 0) * 1_000_000 if key in self.value else None
