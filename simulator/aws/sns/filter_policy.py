"""Filter policies of SNS and event patterns of Lambda: does a message pass, and which key decides?

Rules (SNS guide, filter policies; conformance FLT): all keys must hold, of a key's list one entry; ``$or``
holds if one of its alternatives does. A missing key holds only for ``{"exists": false}``. Nothing here
raises, whatever the policy and the message are; what is not of the language holds for nothing.
`simulator.aws.sns.filter_validity` says what AWS refuses.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from simulator.aws.sns.filter_message import MISSING_BODY, Place, attributes_of, parsed, place_of
from simulator.aws.sns.filter_operators import DECIMALS, OPERATORS, Condition, Leaf, condition, written

Scope = Literal["MessageAttributes", "MessageBody"]

OR: Final = "$or"
_DEEPEST: Final = 50
_MOST_WAYS: Final = 10_000
_NOTHING: Final = Condition("nothing", lambda _: False)


class Verdict(NamedTuple):
    """Whether a message is accepted, the path of the key that decided, and why, for people."""

    accepted: bool
    key: str
    reason: str


class Key(NamedTuple):
    """A key of a policy: its path from the top and the conditions of which one must hold."""

    path: str
    conditions: tuple[Condition, ...]

    def holds_for(self, value: Leaf) -> bool:
        """Whether one of the conditions holds for a value that is there."""
        return any(one.holds(value) for one in self.conditions)

    @property
    def missing(self) -> bool:
        """Whether the key may be missing."""
        return any(one.missing for one in self.conditions)

    @property
    def wanted(self) -> str:
        """The conditions in words."""
        texts = [one.text for one in self.conditions[:4]] + ["..."] * (len(self.conditions) > 4)
        return " or ".join(texts) or "nothing"


class Every(NamedTuple):
    """Parts that must all hold."""

    parts: tuple["Part", ...]


class Some(NamedTuple):
    """Alternatives of which one must hold: a ``$or``."""

    alternatives: tuple["Part", ...]


Part = Key | Every | Some


class FilterPolicy:
    """A filter policy, ready to judge any number of messages.

    Parameters
    ----------
    policy : JSON value
        None and an empty object accept everything.
    decimals : int, optional
        Places after the point to which SNS tells two listed numbers apart; None: all.
    """

    def __init__(self, policy: Any, *, decimals: int | None = DECIMALS) -> None:
        self.empty = policy is None or policy == {}
        self._root = _every(policy, "", decimals, 0) if isinstance(policy, Mapping) else Key("", (_NOTHING,))

    def of_attributes(self, attributes: Mapping[str, Any]) -> Verdict:
        """Judge message attributes ``{name: {type, value}}``; values are texts, as in the API."""
        return self._judge(attributes_of(attributes))

    def of_text(self, body: str) -> Verdict:
        """Judge a body as it was sent; what is no JSON object passes only an empty policy."""
        return self.of_body(parsed(body))

    def of_body(self, body: Any) -> Verdict:
        """Judge a body that is parsed already."""
        if self.empty:
            return Verdict(True, "", "the policy is empty")
        if not isinstance(body, Mapping):
            what = "not JSON" if body is MISSING_BODY or isinstance(body, str) else "not a JSON object"
            return Verdict(False, "", f"the body is {what}")
        return self._judge(place_of(body))

    def _judge(self, place: Place) -> Verdict:
        if self.empty:
            return Verdict(True, "", "the policy is empty")
        values = _Values(place)
        failed = _failure(self._root, values)
        if failed is not None:
            return Verdict(False, failed.path, _complaint(failed, values))
        if not place.arrays:
            return _accepted(next(_ways(self._root, values)), values)
        for way in itertools.islice(_ways(self._root, values), _MOST_WAYS):
            if _together(place, [key for key in way if not values.is_missing(key)]):
                return _accepted(way, values)
        paths = [key.path for key in next(_ways(self._root, values))]
        return Verdict(False, ", ".join(paths), "no one element of the array holds all of these")


# -- reading a policy --------------------------------------------------------------------------------


def is_or(key: Any, value: Any) -> bool:
    """Whether a key of a policy is a ``$or``: two or more objects, none of them an operator."""
    return (
        key == OR
        and isinstance(value, list | tuple)
        and len(value) >= 2
        and all(isinstance(one, Mapping) and not any(word in OPERATORS for word in one) for one in value)
    )


def _every(policy: Mapping[Any, Any], path: str, decimals: int | None, depth: int) -> Part:
    if depth > _DEEPEST:
        return Key(path, (_NOTHING,))
    parts: list[Part] = []
    for key, value in policy.items():
        if is_or(key, value):
            parts.append(Some(tuple(_every(one, path, decimals, depth + 1) for one in value)))
            continue
        inner = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            parts.append(_every(value, inner, decimals, depth + 1))
        elif isinstance(value, list | tuple):
            parts.append(Key(inner, tuple(condition(entry, decimals) for entry in value)))
        else:
            parts.append(Key(inner, (_NOTHING,)))
    return Every(tuple(parts))


# -- judging -----------------------------------------------------------------------------------------


class _Values:
    """The values of a message by path, looked up once each."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._found: dict[str, list[Leaf]] = {}

    def at(self, path: str) -> list[Leaf]:
        found = self._found.get(path)
        if found is None:
            found = self._found[path] = self._place.values_at(path)
        return found

    def is_missing(self, key: Key) -> bool:
        return not self.at(key.path)

    def hold(self, key: Key) -> bool:
        values = self.at(key.path)
        return any(map(key.holds_for, values)) if values else key.missing


def _failure(part: Part, values: _Values) -> Key | None:
    """The first key that fails, each looked at alone; None: all hold."""
    if isinstance(part, Key):
        return None if values.hold(part) else part
    if isinstance(part, Every):
        return next((failed for one in part.parts if (failed := _failure(one, values))), None)
    failures = [_failure(one, values) for one in part.alternatives]
    return None if None in failures else failures[0]


def _ways(part: Part, values: _Values) -> Iterator[tuple[Key, ...]]:
    """The ways through the ``$or``s in which every key holds, each looked at alone."""
    if isinstance(part, Key):
        if values.hold(part):
            yield (part,)
    elif isinstance(part, Some):
        for one in part.alternatives:
            yield from _ways(one, values)
    else:
        yield from _products(part.parts, values)


def _products(parts: Sequence[Part], values: _Values) -> Iterator[tuple[Key, ...]]:
    """The ways through all *parts*: those with a ``$or`` in them vary, the others have one."""
    fixed = [key for part in parts if not _has_some(part) for way in _ways(part, values) for key in way]
    varying = [part for part in parts if _has_some(part)]
    if any(_failure(part, values) for part in parts):
        return
    for ways in _product(varying, values):
        yield (*fixed, *ways)


def _product(parts: Sequence[Part], values: _Values) -> Iterator[tuple[Key, ...]]:
    if not parts:
        yield ()
        return
    for way in _ways(parts[0], values):
        for rest in _product(parts[1:], values):
            yield (*way, *rest)


def _has_some(part: Part) -> bool:
    return isinstance(part, Some) or (isinstance(part, Every) and any(map(_has_some, part.parts)))


def _together(place: Place, keys: Sequence[Key]) -> bool:
    """Whether *keys* hold in *place* with one element chosen of each array in it."""
    left = [key for key in keys if not any(map(key.holds_for, place.values.get(key.path, ())))]
    if not left:
        return True
    reach = [[n for n, array in enumerate(place.arrays) if _reaches(array, key)] for key in left]
    for choice in itertools.islice(itertools.product(*reach), _MOST_WAYS):
        chosen: dict[int, list[Key]] = {}
        for key, number in zip(left, choice, strict=True):
            chosen.setdefault(number, []).append(key)
        if all(any(_together(one, some) for one in place.arrays[n]) for n, some in chosen.items()):
            return True
    return False


def _reaches(array: Sequence[Place], key: Key) -> bool:
    return any(key.holds_for(value) for element in array for value in element.values_at(key.path))


# -- in words ----------------------------------------------------------------------------------------


def _accepted(way: Sequence[Key], values: _Values) -> Verdict:
    said = []
    for key in way:
        held = next((value for value in values.at(key.path) if key.holds_for(value)), None)
        said.append(f"{key.path} is not there" if values.is_missing(key) else f"{key.path} is {_word(held)}")
    return Verdict(True, ", ".join(dict.fromkeys(key.path for key in way)), " and ".join(said) or "all hold")


def _complaint(key: Key, values: _Values) -> str:
    found = values.at(key.path)
    if not found:
        return f"is not there, and must be {key.wanted}"
    words = ", ".join(map(_word, found[:4])) + (", ..." if len(found) > 4 else "")
    return f"is {words}, and must be {key.wanted}"


def _word(value: Leaf) -> str:
    return written(value)
