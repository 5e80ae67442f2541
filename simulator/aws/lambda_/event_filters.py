"""Event filters of SQS event source mappings: which records reach the function.

Rules (Lambda guide, "Using event filtering with an Amazon SQS event source"): a record goes to the function
if it fits one of the patterns; any other is deleted from the queue. Patterns are EventBridge's; of a record
only the ``body`` can be looked at. A pattern for a JSON body does not fit a body that is no JSON object, a
pattern for plain text does not fit JSON.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from simulator.aws.sns.filter_message import MISSING_BODY, parsed
from simulator.aws.sns.filter_policy import FilterPolicy
from simulator.aws.sns.filter_validity import Limits, Refusal, refusal

_BODY: Final = "body"


class EventFilters:
    """The filters of one mapping, each judged on its own: one that fits is enough.

    Parameters
    ----------
    patterns : iterable of JSON values
        As `pattern_refusal` takes them.
    """

    def __init__(self, patterns: Iterable[Any]) -> None:
        self._policies: list[tuple[FilterPolicy | None, FilterPolicy | None]] = []
        for pattern in patterns:
            body = pattern.get(_BODY) if isinstance(pattern, Mapping) else [None]
            of_json = isinstance(body, Mapping) or body is None
            json_policy = FilterPolicy(body, decimals=None) if of_json else None
            text_policy = None if body is not None and of_json else FilterPolicy(_plain(body), decimals=None)
            self._policies.append((json_policy, text_policy))

    def accept(self, body: str) -> bool:
        """Whether a record with this body reaches the function."""
        found = parsed(body)
        for json_policy, text_policy in self._policies:
            if found is not MISSING_BODY and isinstance(found, Mapping):
                if json_policy is not None and json_policy.of_body(found).accepted:
                    return True
            elif text_policy is not None and text_policy.of_body({_BODY: body}).accepted:
                return True
        return False


def _plain(body: Any) -> dict[str, Any] | None:
    return None if body is None else {_BODY: body}


def pattern_refusal(pattern: Any, max_bytes: int) -> Refusal | None:
    """Give the reason why Lambda refuses a filter pattern of a queue; None: it is taken."""
    if not isinstance(pattern, Mapping):
        return Refusal((), "is no object; an object with the key body is due")
    for key in pattern:
        if key != _BODY:
            return Refusal((key,), "is no key that filters of a queue can look at; only body is")
    if not pattern:
        return Refusal((), "is an empty object; the key body is due")
    refused = refusal(pattern, "event-pattern", Limits())
    if refused is not None:
        return refused
    size = len(json.dumps(pattern, default=str))
    return None if size <= max_bytes else Refusal((), f"has {size:,} letters; Lambda allows {max_bytes:,}")
