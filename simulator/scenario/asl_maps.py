"""The fields of a Map in Amazon States Language, beside its processor."""

from typing import Any, Final

from simulator.aws.step_functions.expressions import Path, Query, query_in
from simulator.aws.step_functions.states import Batching
from simulator.scenario.asl_data import PATHS, QUERIES, made, template
from simulator.scenario.asl_parts import NOT_SUPPORTED, Part
from simulator.scenario.problems import Finding

_DISTRIBUTED_ONLY: Final = (
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "ToleratedFailureCount",
    "ToleratedFailurePercentage",
    "Label",
)
_MOST_BATCH_BYTES: Final = 262_144


def map_fields(part: Part, key: str, language: str, *, stated: bool) -> dict[str, Any]:
    """Give what `Map` takes beside its processor, which is in field *key*; *stated*: how many items is."""
    distributed, express = _mode(part, key)
    if not distributed:
        for name in _DISTRIBUTED_ONLY:
            if name in part:
                part.wrong(name, "is a field of mode DISTRIBUTED (ProcessorConfig)")
    if "ItemReader" in part and not stated:
        part.data.append(
            Finding(
                (*part.path, "ItemReader"), "is not read: state the number of items beside the definition"
            )
        )
    count = share = None
    if "ToleratedFailureCount" in part:
        count = part.whole("ToleratedFailureCount", 0, 10_000_000, 0)
    if "ToleratedFailurePercentage" in part:
        share = part.number("ToleratedFailurePercentage", 0, 100, 0.0, whole=False) / 100
    return {
        "distributed": distributed,
        "express": express,
        "max_concurrency": part.whole("MaxConcurrency", 0, 10_000_000, 0),
        "items": _items(part, language),
        "item_flow": _selector(part, language),
        "batching": _batching(part),
        "tolerated_items": count,
        "tolerated_share": share,
    }


def _mode(part: Part, key: str) -> tuple[bool, bool]:
    """Whether a Map is distributed, and its children Express."""
    if key not in part or "ProcessorConfig" not in part.at(key):
        return False, False
    config = part.at(key).at("ProcessorConfig")
    config.only({"Mode", "ExecutionType"}, {})
    distributed = config.word("Mode", ("INLINE", "DISTRIBUTED"), "INLINE") == "DISTRIBUTED"
    if not distributed:
        if "ExecutionType" in config:
            config.wrong("ExecutionType", "is of mode DISTRIBUTED only")
        return False, False
    if "ExecutionType" not in config:
        config.wrong("ExecutionType", "is missing; STANDARD or EXPRESS is due")
    return True, config.word("ExecutionType", ("STANDARD", "EXPRESS"), "STANDARD") == "EXPRESS"


def _items(part: Part, language: str) -> Any:
    """Where the items are; None: the input itself."""
    key, other = ("Items", "ItemsPath") if language == QUERIES else ("ItemsPath", "Items")
    if other in part:
        part.wrong(other, f"is a field of {PATHS if language == QUERIES else QUERIES}; write {key}")
    if key not in part:
        return None
    if language == PATHS:
        return made(part, key, part.text(key, default="$"), Path)
    value = part.value[key]
    text = query_in(value) if isinstance(value, str) else None
    return (
        template(part, (*part.path, key), value, language) if text is None else made(part, key, text, Query)
    )


def _selector(part: Part, language: str) -> Any:
    """What an iteration is given; Parameters were its name before 2022."""
    key = "ItemSelector"
    if language == PATHS and "Parameters" in part:
        if key in part:
            part.wrong("Parameters", "cannot stand beside ItemSelector")
        key = "Parameters"
    if key not in part:
        return None
    return template(part, (*part.path, key), part.value[key], language)


def _batching(part: Part) -> Batching | None:
    if "ItemBatcher" not in part:
        return None
    one = part.at("ItemBatcher")
    stated = "write the number itself"
    one.only(
        {"MaxItemsPerBatch", "MaxInputBytesPerBatch", "BatchInput"},
        {"MaxItemsPerBatchPath": stated, "MaxInputBytesPerBatchPath": stated},
    )
    items = one.whole("MaxItemsPerBatch", 1, 100_000_000, 1) if "MaxItemsPerBatch" in one else None
    size = None
    if "MaxInputBytesPerBatch" in one:
        size = one.whole("MaxInputBytesPerBatch", 1, _MOST_BATCH_BYTES, 1)
    if items is None and size is None and one.value:
        part.wrong("ItemBatcher", "has neither MaxItemsPerBatch nor MaxInputBytesPerBatch; one is due")
    if "BatchInput" in one:
        message = f"{NOT_SUPPORTED} where something depends on the data"
        part.data.append(Finding((*one.path, "BatchInput"), message))
    return Batching(items, size)
