"""Event notifications of a bucket: what is told, to whom, and in which words.

Source: S3's user guide, "Amazon S3 Event Notifications": at least once, typically within seconds, sometimes
a minute or longer; to standard topics, standard queues and functions. A duplicate comes from S3's own
retries ("Manage event ordering and duplicate events", AWS storage blog), with the same sequencer.
"""

from collections.abc import Sequence
from itertools import permutations
from typing import Any, Final

CREATED: Final = (
    "ObjectCreated:Put",
    "ObjectCreated:Post",
    "ObjectCreated:Copy",
    "ObjectCreated:CompleteMultipartUpload",
)
_OBJECT: Final = "object"


def key_of(start: str, end: str) -> str:
    """Give the key of an object whose key begins with *start* and ends with *end*."""
    return f"{start}{_OBJECT}{end}"


def is_told(key: str, prefixes: Sequence[str], suffixes: Sequence[str]) -> bool:
    """Say whether the filter rules of a bucket let the event of *key* through; no rules, no filter."""
    begins = not prefixes or any(key.startswith(prefix) for prefix in prefixes)
    return begins and (not suffixes or any(key.endswith(suffix) for suffix in suffixes))


def overlap(prefixes: Sequence[str], suffixes: Sequence[str]) -> str:
    """Say why S3 refuses several configurations of one event; "" where it takes them.

    Prefixes overlap where one begins with the other, suffixes where one ends with the other; S3 refuses
    configurations that overlap in both.
    """
    for one, other in permutations(prefixes, 2):
        if one.startswith(other):
            return f"{one} begins with {other}: S3 refuses rules that overlap"
    for one, other in permutations(suffixes, 2):
        if one.endswith(other):
            return f"{one} ends with {other}: S3 refuses rules that overlap"
    return ""


def body(event: str, key: str) -> dict[str, Any]:
    """Give the body of an event, as far as filters look into it; it has no message attributes."""
    return {"Records": [{"eventSource": "aws:s3", "eventName": event, "s3": {"object": {"key": key}}}]}
