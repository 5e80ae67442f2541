"""Messages that nobody got: their producers were refused and gave up."""

from collections.abc import Iterator, Mapping

from simulator.analysis.answer import Estimate


def warnings(estimates: Mapping[str, Estimate]) -> Iterator[str]:
    """Say how many messages a run were never sent: they are in no queue's numbers."""
    refused, offered = estimates.get("refused.count"), estimates.get("offered.count")
    if refused is None or offered is None or not refused.mean > 0:
        return
    counts = f"{refused.mean:,.0f} of {offered.mean:,.0f} messages a run"
    yield f"{counts} were refused and never sent: they are in no queue's numbers and in no percentile"
