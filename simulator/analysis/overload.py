"""Overload, found and named: a backlog that grows while messages still arrive, and what it lacks."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from simulator.analysis import intervals
from simulator.analysis.answer import Setting
from simulator.analysis.measures import LEVELS, Measures
from simulator.analysis.partial import LIMIT, Field
from simulator.analysis.sentence import limit_words, significant
from simulator.recording.tables import Limit

_S: Final = 1e6
_SATURATED: Final = 0.95
_WORTH_S: Final = 5.0
"""Growth of less than this many seconds of traffic over the last quarter is chance."""


class Growth(NamedTuple):
    """What the last quarter of arrivals shows of a queue; means over runs."""

    queue: str
    per_s: float
    busy: float
    slots: float
    needed: float
    limit: str
    limit_share: float

    @property
    def saturated(self) -> bool:
        """Whether every slot there is was in use."""
        return self.slots > 0 and self.busy >= _SATURATED * self.slots


def overloaded(measures: Measures, setting: Setting) -> list[Growth]:
    """Queues whose backlog grows in the last quarter of arrivals, unless an event or a fault explains it."""
    quarter_s = setting.duration_s * 3 / 4
    ends = [*(event.until_s for event in setting.events), *(fault.until_s for fault in setting.faults)]
    if any(until_s > quarter_s for until_s in ends):
        return []
    found = (growth_of(measures, queue) for queue in measures.frame.queues)
    return [growth for growth in found if growth is not None]


def warning(growth: Growth, setting: Setting) -> str:
    """Say what grows and what is lacking: ``needs 41 busy slots, has 40; its backlog grows by 12/s``."""
    grows = f"grows by {significant(growth.per_s)}/s when arrivals end"
    limit = limit_words(growth.limit, setting, growth.queue)
    why = f" ({limit} binds {growth.limit_share:.0%} of the time)" if growth.limit else ""
    if not growth.slots > 0 or math.isnan(growth.busy):
        return f"{growth.queue} is overloaded: its backlog {grows}{why}"
    if growth.saturated and growth.needed > growth.slots:
        needed, has = significant(growth.needed), significant(growth.slots)
        return f"{growth.queue} is overloaded: needs {needed} busy slots, has {has}; its backlog {grows}{why}"
    busy = f"{significant(growth.busy)} of {significant(growth.slots)} slots busy"
    return f"{growth.queue} falls behind with {busy}: its backlog {grows}{why}"


def growth_of(measures: Measures, queue: str) -> Growth | None:
    """Tell how a queue's backlog grew in the last quarter of arrivals; None if it did not."""
    frame = measures.frame
    thing = frame.things.index(queue)
    last = measures.last_bin
    first = max(measures.first_bin, last - max(1, last // 4))
    seconds = (last - first) * frame.bin_us / _S
    rates, sent = [], []
    for run in measures.runs:
        edges = run.backlog([thing]).edges
        rates.append(float(edges[min(last, run.bins)] - edges[first]) / seconds)
        sent.append(run.total(Field.SENT, [thing], first, last_bin=last) / seconds)
    growth, arrivals = intervals.of_means(rates, "1/s", floor=-math.inf), intervals.mean(sent)
    clear = growth.mean if math.isnan(growth.low) else growth.low
    if not clear > 0 or growth.mean * seconds <= max(10.0, _WORTH_S * arrivals):
        return None
    consumers = [frame.things.index(path) for path, of in frame.queue_of.items() if of == queue]
    busy = _mean(measures.level_means(LEVELS["busy"], consumers, first, last))
    slots = math.fsum(_mean(measures.slots(consumer, first, last)) for consumer in consumers)
    done = [run.total(Field.PROCESSED, [thing], first, last_bin=last) / seconds for run in measures.runs]
    worked = intervals.mean(done)
    needed = busy * arrivals / worked if worked > 0 else math.nan
    limit, share = _limit(measures, consumers, first, last)
    return Growth(queue, growth.mean, busy, slots, needed, limit, share)


def _mean(values: Sequence[float]) -> float:
    return intervals.mean([value for value in values if not math.isnan(value)])


def _limit(measures: Measures, consumers: Sequence[int], first: int, last: int) -> tuple[str, float]:
    """The limit that bound longest, arrivals left out, and its share of the time."""
    found = {
        limit.name.lower(): _mean(measures.level_means(LIMIT + limit, consumers, first, last))
        for limit in Limit
        if limit is not Limit.ARRIVALS
    }
    known = {name: share / len(consumers) for name, share in found.items() if share > 0}
    name = max(known, key=lambda name: known[name], default="")
    return name, known.get(name, 0.0)
