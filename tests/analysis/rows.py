"""Made-up rows: whole tables from a few columns, the rest ordinary."""

from collections.abc import Iterator, Mapping

import numpy as np

from simulator.analysis.partial import Frame, Partial
from simulator.analysis.reduce import Reducer
from simulator.recording.tables import NONE, TABLES, Arrival, Attempt, Cause, Fate, Outcome

S = 1_000_000
DTYPES = {"q": np.int64, "i": np.int32, "h": np.int16, "b": np.int8}
THINGS = (
    "producers.shop",
    "queues.orders",
    "queues.orders-dlq",
    "functions.charge.event_sources.orders",
    "queues.mail",
    "auto_scaling_groups.post",
)
SHOP, ORDERS, DLQ, CHARGE, MAIL, POST = range(6)
ORDINARY = {
    "messages": {
        "accepted_at": NONE,
        "outcome": Outcome.ACCEPTED,
        "copies": 1,
        "tries": 1,
        "size_bytes": 1_000,
    },
    "copies": {
        "queue": ORDERS,
        "parent": NONE,
        "arrival": Arrival.SEND,
        "group": NONE,
        "first_received_at": NONE,
        "first_started_at": NONE,
        "succeeded_at": NONE,
        "receives": 1,
        "fate": Fate.DELETED,
        "cause": Cause.NOTHING,
    },
    "deliveries": {
        "queue": ORDERS,
        "consumer": CHARGE,
        "invocation": NONE,
        "receive_count": 1,
        "attempt": Attempt.SUCCEEDED,
        "deleted": 1,
        "cause": Cause.NOTHING,
    },
    "invocations": {"consumer": CHARGE, "messages": 1, "attempt": Attempt.SUCCEEDED},
    "changes": {"thing": CHARGE},
}
Rows = dict[str, np.ndarray]


def table(name: str, **columns: object) -> Rows:
    """Rows of a table: columns broadcast to one length, those not given ordinary or 0."""
    given = {key: np.atleast_1d(np.asarray(value)) for key, value in columns.items()}
    length = max(len(value) for value in given.values())
    rows = {}
    for column in TABLES[name]:
        value = given.get(column.name, np.atleast_1d(np.asarray(ORDINARY[name].get(column.name, 0))))
        rows[column.name] = np.broadcast_to(value, length).astype(DTYPES[column.code])
    return rows


def copies(offered_at: object, **columns: object) -> Rows:
    """Rows of ``copies``, sent and arrived when offered unless told otherwise."""
    offered = np.atleast_1d(np.asarray(offered_at))
    return table("copies", **{"offered_at": offered, "sent_at": offered, "arrived_at": offered, **columns})


def processed(offered_at: object, wait_us: object, work_us: object, **columns: object) -> Rows:
    """Copies that waited, were worked on once and deleted."""
    offered = np.atleast_1d(np.asarray(offered_at))
    started = offered + np.asarray(wait_us)
    ended = started + np.asarray(work_us)
    given = {
        "first_received_at": started,
        "first_started_at": started,
        "succeeded_at": ended,
        "ended_at": ended,
        **columns,
    }
    return copies(offered, **given)


def cut(rows: Rows, size: int) -> Iterator[Rows]:
    """The same rows in chunks."""
    for first in range(0, len(next(iter(rows.values()))), size):
        yield {name: values[first : first + size] for name, values in rows.items()}


def reduced(frame: Frame, run: Mapping[str, Rows], size: int = 65_536) -> Partial:
    """One run's partial."""
    reducer = Reducer(frame)
    for name, rows in run.items():
        for chunk in cut(rows, size):
            reducer.chunk(name, chunk)
    return reducer.partial()


def a_run(count: int, seed: int = 1, duration_us: int = 3_600 * S) -> dict[str, Rows]:
    """A run with a bit of everything: two queues, a DLQ, failures, losses, copies unfinished at the end."""
    rng = np.random.default_rng(seed)
    offered = np.sort(rng.integers(0, duration_us, count))
    queue = np.where(rng.random(count) < 0.5, ORDERS, MAIL)
    sent = offered + rng.integers(0, 20_000, count)
    started = sent + (rng.gamma(0.5, 2e6, count)).astype(np.int64)
    ended = started + rng.integers(50_000, 250_000, count)
    u = rng.random(count)
    fate = np.where(
        u < 0.9, Fate.DELETED, np.where(u < 0.93, Fate.DEAD_LETTERED, np.where(u < 0.96, Fate.EXPIRED, 5))
    )
    ok = fate == Fate.DELETED
    began = ok | (rng.random(count) < 0.5)
    stay = copies(
        offered,
        copy=np.arange(count),
        queue=queue,
        sent_at=sent,
        arrived_at=sent,
        first_started_at=np.where(began, started, NONE),
        succeeded_at=np.where(ok, ended, NONE),
        ended_at=np.where(fate == 5, 2 * duration_us, ended),
        receives=rng.integers(1, 5, count),
        fate=fate,
        cause=np.where(ok, Cause.NOTHING, Cause.FAILURE),
        out_of_order=rng.random(count) < 0.1,
        arrival=np.where(rng.random(count) < 0.02, Arrival.BACKLOG, Arrival.SEND),
    )
    given = table(
        "deliveries",
        delivery=np.arange(count),
        copy=np.arange(count),
        queue=queue,
        received_at=started,
        started_at=started,
        ended_at=ended,
        left_at=np.where(fate == 5, NONE, ended),
        attempt=np.where(ok, Attempt.SUCCEEDED, Attempt.FAILED),
        cause=np.where(rng.random(count) < 0.05, Cause.VISIBILITY_TIMEOUT, Cause.NOTHING),
        repeated=rng.random(count) < 0.01,
    )
    consumer = np.where(queue == ORDERS, CHARGE, POST)
    runs = table(
        "invocations",
        consumer=consumer,
        started_at=started,
        ended_at=ended,
        init_us=np.where(rng.random(count) < 0.1, 400_000, 0),
        attempt=np.where(ok, Attempt.SUCCEEDED, Attempt.FAILED),
    )
    said = table("messages", message=np.arange(count), offered_at=offered, accepted_at=sent)
    edges = np.arange(0, duration_us, 60 * S)
    steps = table(
        "changes",
        thing=np.where(np.arange(len(edges)) % 2, CHARGE, POST),
        quantity=np.arange(len(edges)) % 5,
        value=rng.integers(0, 12, len(edges)),
        from_at=edges,
        until_at=edges + 90 * S,
    )
    return {"messages": said, "copies": stay, "deliveries": given, "invocations": runs, "changes": steps}


FRAME = Frame(
    THINGS,
    3_600 * S,
    frozenset({"queues.orders-dlq"}),
    {"functions.charge.event_sources.orders": "queues.orders", "auto_scaling_groups.post": "queues.mail"},
    drain_from_us=1_800 * S,
)
