"""Every block of docs/sns.md, put into one system, is a scenario that loads."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from simulator.scenario import load
from simulator.scenario.endpoints import LINES
from simulator.scenario.lint import lint
from simulator.scenario.schema import Scenario
from simulator.scenario.subscriptions import ENDPOINTS

PAGE = Path(__file__).parents[2] / "docs" / "sns.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SYSTEM = """
scenario: listeners
duration: 1h
producers:
  shop: {target: events, arrivals: {rate: 10/s}, message: {attributes: {kind: {order: 90%, alarm: rest}}}}
topics: {events: {}}
queues: {billing: {}, fraud: {}, files: {}, rescue: {retention: 14d}}
functions: {index: {runtime: python3.13, work: 100ms}}
downstreams: {partner: {latency: 50ms}}
"""
LISTENER = {"topics": {"events": {"subscriptions": {"billing": {"queue": "billing"}}}}}
READER: dict[str, Any] = {"functions": {"index": {"event_sources": {"fraud": {}}}}}
FEEDER = {"producers": {"uploads": {"target": "files", "arrivals": {"rate": "1/s"}}}}


def merged(one: Any, other: Any) -> Any:
    """Both maps in one; where both have something that is no map, the other's."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return {key: merged(one[key], other[key]) if key in one and key in other else {**one, **other}[key]
            for key in {**one, **other}}  # fmt: skip


def completed(folder: Path, block: str) -> Scenario:
    """The system with a block of the page, and with whom it speaks to where the block leaves that out."""
    yaml = YAML(typ="safe")
    given = yaml.load(block)
    whole = merged(yaml.load(SYSTEM), given)
    if not whole["topics"]["events"].get("subscriptions"):
        whole = merged(whole, LISTENER)
    if not any("function" in one for one in whole["topics"]["events"]["subscriptions"].values()):
        whole = merged(whole, READER)
    if "cut" in whole["functions"]:
        whole = merged(whole, FEEDER)
    text = io.StringIO()
    yaml.dump(whole, text)
    file = folder / "listeners.yaml"
    file.write_text(text.getvalue(), encoding="utf-8")
    return load(file)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split()[0].rstrip(":"))
def test_a_block_of_the_page_loads_and_reads_back_as_itself(tmp_path: Path, block: str) -> None:
    scenario = completed(tmp_path, block)
    list(lint(scenario))
    dumped = scenario.dump()
    assert Scenario.model_validate(dumped).dump() == dumped


def test_the_page_has_every_endpoint_and_every_service() -> None:
    text = "\n".join(BLOCKS)
    assert {kind for kind in ENDPOINTS if re.search(rf"\b{kind}: ", text)} == set(ENDPOINTS)
    assert all(f"| `{kind}` |" in TEXT for kind in (*ENDPOINTS, *LINES))
    for word in ("s3", "media_convert", "elastic_transcoder", "ses_feedback"):
        assert f"| `{word}` |" in TEXT
