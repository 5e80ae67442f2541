"""The five tables of a run: every column with its type, unit and meaning.

A row is written when the fate of its thing is known; what is still open at the end of a run is
written as ``unfinished``. Instants end in ``_at`` and durations in ``_us``; both are whole
microseconds since the start of the run. ``NONE`` stands where there is nothing to say.
"""

from enum import IntEnum
from typing import Final, NamedTuple

NONE: Final = -1


class Outcome(IntEnum):
    """How a producer's wish to say something once ended."""

    ACCEPTED = 0
    DEDUPLICATED = 1
    REFUSED = 2
    UNFINISHED = 3


class Fate(IntEnum):
    """How a copy's stay in one queue ended."""

    DELETED = 0
    DEAD_LETTERED = 1
    EXPIRED = 2
    IN_TRANSIT = 3
    DELAYED = 4
    VISIBLE = 5
    IN_FLIGHT = 6
    REDRIVEN = 7
    DROPPED = 8
    """given up by Lambda, with nowhere to go"""
    FILTERED_OUT = 12
    """deleted unprocessed, as the event filters of a mapping say"""


class Arrival(IntEnum):
    """What brought a copy into a queue."""

    SEND = 0
    MOVE = 1
    BACKLOG = 2
    REDRIVE = 3
    DESTINATION = 4
    """sent anew by Lambda: to a destination or a dead-letter queue of a function invoked asynchronously"""


class Attempt(IntEnum):
    """How one delivery of a copy ended."""

    SUCCEEDED = 0
    FAILED = 1
    BATCH_MATE = 2
    THROTTLED = 3
    CRASHED = 4
    UNFINISHED = 5
    UNANSWERED = 6
    FILTERED_OUT = 7
    """deleted at the receive by an event filter; its row of ``invocations`` stands for no run of a handler"""
    STOPPED = 8
    """Lambda's recursion guard did not invoke the function"""


class Cause(IntEnum):
    """Why a copy was delivered again, dead-lettered or lost."""

    NOTHING = 0
    VISIBILITY_TIMEOUT = 1
    FAILURE = 2
    BATCH_MATE = 3
    THROTTLE = 4
    CRASH = 5
    AT_LEAST_ONCE = 6
    REDRIVE = 7
    SENDER_RETRY = 8
    RETENTION = 9
    LOST_ANSWER = 10
    ACCESS_DENIED = 11
    EVENT_AGE = 12
    """an asynchronous event had its maximum age before the function had concurrency for it"""
    LOOP = 50
    """Lambda's recursion guard: one event had invoked the function too often"""
    RETRIES_USED_UP = 30
    """of a delivery by SNS: the endpoint was never there when it was tried"""
    CLIENT_ERROR = 40
    """the endpoint of a subscription refused it for good"""
    TIME_TO_LIVE = 41
    """a push message had waited longer than its time to live"""
    SUBSCRIPTION_DISABLED = 42
    """a mail subscription that had got too many messages a second"""
    FAILOVER = 13
    """the broker failed before it heard of the acknowledgement"""
    EXECUTION_FAILED = 17
    """an execution of a workflow ended in an error that nothing caught"""
    EXECUTION_TIMED_OUT = 18
    """it ran longer than it may"""
    HISTORY_FULL = 19
    """it had as many events as a history holds"""
    FAILOVER_LOSS = 14
    """a broker that failed had it in memory only (non-persistent)"""
    ROLLBACK = 15
    """another message of its transaction failed"""
    SPENDING_LIMIT = 43
    """the month's spending on text messages was used up"""


class Limit(IntEnum):
    """What kept a consumer from taking up more at an instant (the binding limit)."""

    ARRIVALS = 0
    RAMP = 1
    MAXIMUM_CONCURRENCY = 2
    RESERVED_CONCURRENCY = 3
    ACCOUNT_CONCURRENCY = 4
    SCALING_RATE = 5
    GROUP_LOCKED = 6
    CALL_TOKENS = 7
    IN_FLIGHT_CAP = 8
    METRIC_LAG = 9
    BOOTING = 10
    MAXIMUM_SIZE = 11
    MAPPING_CAP = 12
    ACCESS_DENIED = 13
    PROVISIONED_POLLERS = 14
    ERROR_BACKOFF = 15
    DOWNSTREAM = 16
    CONSUMER_DOWN = 17
    POLICY = 18
    """the scaling policy sees the metric and asks for no more"""
    COOLDOWN = 19
    RATE_CAP = 20
    """requests a second for each unit of concurrency"""
    PREFETCHED = 26
    """idle workers, while messages were pushed to others and wait there"""
    STORE_SYNC = 27
    """of a broker: producers wait for syncs of its store"""
    MEMORY_FULL = 28
    STORE_FULL = 29
    FAILOVER = 30
    TRANSITIONS = 31
    """of a workflow: transitions wait for tokens"""
    STARTS = 32
    """executions wait for tokens of StartExecution"""
    MAP_START_RATE = 33
    """children of a distributed Map are started at their rate"""
    MAP_CONCURRENCY = 34
    """as many iterations of a Map as may run at once"""


class Quantity(IntEnum):
    """What a row of ``changes`` says the value of."""

    LIMIT = 0
    DESIRED = 1
    IN_SERVICE = 2
    BOOTING = 3
    CONCURRENCY = 4
    ALARM = 5
    INVERTED = 6
    """of a queue: messages received at that instant while one of a higher class was visible"""
    STARVED = 7
    """of a queue polled by priority: the longest time in which its messages waited and none was received"""
    NOISY_TENANTS = 8
    """of a fair queue, as all that follow, read off every ten seconds"""
    QUIET_VISIBLE = 9
    """visible messages of tenants that are not noisy"""
    QUIET_DELAYED = 10
    QUIET_IN_FLIGHT = 11
    QUIET_OLDEST_S = 12
    """age of their oldest visible message [s]"""
    EMPTY_RECEIVES = 13
    """of a queue or a consumer: receives that found nothing, in a million seconds; rows add up"""
    OLDEST_S = 14
    """of a queue, read off once a minute: ApproximateAgeOfOldestMessage [s]"""
    RECIPIENTS = 15
    """of an SES account: recipients of mails that it took, as all counts of it times a million a second"""
    OVER_RATE = 16
    """calls refused by the sending rate"""
    OVER_DAILY_QUOTA = 17
    WHILE_PAUSED = 18
    MAILS_DELIVERED = 19
    """recipients that got the mail"""
    HARD_BOUNCES = 21
    SOFT_BOUNCES = 22
    COMPLAINTS = 23
    DAILY_USED = 24
    """recipients of the last 24 hours"""
    BOUNCE_SHARE = 98
    """hard bounces among the last recipients, in millionths; as the complaints"""
    COMPLAINT_SHARE = 99
    UNDER_REVIEW = 101
    """1 while the account is under review, and 1 while its sending is paused"""
    SENDING_PAUSED = 102
    PREFETCHED = 25
    """of a broker, as all that follow, read off every second or less often: messages pushed to consumers and
    not begun"""
    STORE_KIB = 26
    MEMORY_KIB = 27
    CONNECTIONS = 28
    SENDS_WAITING = 29
    """messages whose producers have no answer yet"""
    SYNCS = 31
    """of its store in a second, in millionths"""
    SYNCED = 32
    """messages written by these, in millionths"""
    TRANSITIONS = 35
    """of a workflow, as those below; counts: those of a second, times a million"""
    THROTTLED_TRANSITIONS = 36
    """that found no token and waited"""
    REFUSED_STARTS = 37
    EXECUTIONS = 38
    """that run; levels: mean of the second in thousandths"""
    MAP_CHILDREN = 39
    """children of distributed Maps that run"""
    WAITING_TRANSITIONS = 41
    STATE_ENTRIES = 42
    """of a state of a workflow, as those below: entries that it was left from"""
    STATE_RETRIES = 43
    STATE_FAILURES = 44
    """failures that were not tried again"""
    STATE_US = 45
    """how long entries that were left lasted, summed [us]"""
    EXPRESS_TRANSITIONS = 47
    """of its transitions: those of Express executions, which are not charged for"""
    EXPRESS_CHILDREN = 48
    """children of Maps that are Express executions and ended"""
    EXPRESS_US = 49
    """how long those lasted, summed [us]"""
    IN_STATE = 46
    """executions, branches and iterations that are in it"""
    BROKER_DOWN = 33
    """1 while it fails over"""
    DRAINING = 30
    """of a fleet: instances that leave and finish what they have in hand"""
    AS_SEEN = 20
    """of an alarm: the newest published point of its metric, in thousandths; no row where it is missing"""
    POLLERS = 40
    """of an event source mapping in provisioned mode: its event pollers"""
    CALLS = 60
    """of a downstream, as all that follow; counts: those of a second, times a million"""
    FAILED_CALLS = 61
    """calls that failed for good: tries used up, or not made because of an open circuit breaker"""
    TRIES = 62
    REFUSED_TRIES = 63
    """beyond its rate: 429"""
    TIMED_OUT_TRIES = 64
    """given up by their caller"""
    FAILED_TRIES = 65
    """answered with an error"""
    TRY_US = 66
    """how long callers waited for tries that ended in the second, summed [us]"""
    SERVED_TRIES = 67
    """tries in service, each with its connection; mean of the second in thousandths"""
    WAITING_TRIES = 68
    """tries in line for a connection or the rate; mean of the second in thousandths"""
    OPEN_BREAKERS = 69
    """circuit breakers of its callers that are not closed"""
    RECEIVE_REQUESTS = 70
    """of a queue; totals of the run, as all that follow: answered receives as they are billed"""
    VISIBILITY_REQUESTS = 71
    """calls that changed visibility timeouts"""
    SEND_CALLS = 72
    """of a producer that sends by calls of its own making (batches, retries): requests as they are billed"""
    SHORT_LIVES_US = 73
    """of a fleet: what its instances missed of the shortest life that is billed [us]"""
    SPOT_US = 74
    """of a fleet: time of spot instances that are gone, or there at the end of the run, from their launch"""
    ANSWERED_TRIES = 100
    """of a downstream, counted as its calls: answered well, and in time"""
    PUBLISHED = 90
    """of a subscription, as all that follow; totals of the run: messages that its topic published to it"""
    KEPT_OUT = 91
    """filtered out"""
    DELIVERED = 92
    RETRIED = 93
    """attempts after the first"""
    FAILED_TO_DELIVER = 94
    """attempts that failed"""
    DEAD_LETTERED = 95
    DEAD_LETTER_FAILED = 96
    """of the lost: those whose dead-letter queue refused them"""
    LOST = 97


class Column(NamedTuple):
    """One column: its name, ``array`` type code, unit and meaning."""

    name: str
    code: str
    unit: str
    meaning: str


MESSAGES: Final = (
    Column("message", "q", "id", "dense number of the message"),
    Column("producer", "h", "thing", "who wanted to say it"),
    Column("serial", "q", "1", "its number among the producer's; in a closed loop client x 2^32 + its own"),
    Column("offered_at", "q", "us", "when the producer wanted to send it"),
    Column("accepted_at", "q", "us", "when the topic or queue accepted it; NONE if it never did"),
    Column("size_bytes", "i", "bytes", "size of body and attributes"),
    Column("group", "i", "1", "ordering key of the business; NONE without groups"),
    Column("attributes", "h", "1", "index of its combination of attribute values"),
    Column("poison", "b", "bool", "fails every attempt"),
    Column("tries", "b", "1", "calls its sender made for it"),
    Column("copies", "h", "1", "copies it became"),
    Column("outcome", "b", "Outcome", "how the wish ended"),
)

COPIES: Final = (
    Column("copy", "q", "id", "dense number of the copy; a move to a DLQ keeps it"),
    Column("message", "q", "id", "whose copy it is"),
    Column("parent", "q", "id", "copy it was made from; NONE for a first copy"),
    Column("queue", "h", "thing", "the queue of this stay"),
    Column("arrival", "b", "Arrival", "what brought it here"),
    Column("offered_at", "q", "us", "when the producer wanted to send the message"),
    Column("sent_at", "q", "us", "SentTimestamp: when the first queue accepted the copy"),
    Column("arrived_at", "q", "us", "when this queue got it"),
    Column("group", "i", "1", "ordering key of the message; NONE without groups"),
    Column("first_received_at", "q", "us", "first receive in this queue, or NONE"),
    Column("first_started_at", "q", "us", "start of its first processing in this queue, or NONE"),
    Column("succeeded_at", "q", "us", "end of its first successful processing in this queue, or NONE"),
    Column("ended_at", "q", "us", "when its stay in this queue ended (end of the run if it did not)"),
    Column("receives", "i", "1", "deliveries in this queue"),
    Column("fate", "b", "Fate", "how the stay ended"),
    Column("cause", "b", "Cause", "why it was dead-lettered or lost"),
    Column(
        "out_of_order", "b", "bool", "succeeded after a later-sent copy of its group (queue without groups)"
    ),
)

DELIVERIES: Final = (
    Column("delivery", "q", "id", "dense number of the delivery"),
    Column("copy", "q", "id", "the copy"),
    Column("queue", "h", "thing", "the queue it was received from"),
    Column("consumer", "h", "thing", "event source mapping or group that received it"),
    Column("invocation", "q", "id", "the run of a handler it was part of, or NONE"),
    Column("receive_count", "i", "1", "ApproximateReceiveCount of this delivery"),
    Column("received_at", "q", "us", "when the queue gave it out"),
    Column("started_at", "q", "us", "when its processing started, or NONE"),
    Column("ended_at", "q", "us", "when its processing ended, or NONE"),
    Column("left_at", "q", "us", "when it stopped being in flight: deleted, visible again, moved, expired"),
    Column("attempt", "b", "Attempt", "how it ended"),
    Column("deleted", "b", "bool", "the copy was deleted by this delivery"),
    Column("cause", "b", "Cause", "why the copy was given out again; NOTHING for a first delivery"),
    Column("repeated", "b", "bool", "succeeded although an earlier delivery of the copy had succeeded"),
)

INVOCATIONS: Final = (
    Column("invocation", "q", "id", "dense number of the invocation"),
    Column("consumer", "h", "thing", "event source mapping or group"),
    Column(
        "started_at",
        "q",
        "us",
        "start of the handler, after a cold start; of a throttled one the call; NONE if it never ran",
    ),
    Column("ended_at", "q", "us", "end of the handler, or of the run"),
    Column("init_us", "q", "us", "environment creation and init before it; 0 when warm"),
    Column("messages", "i", "1", "size of the batch"),
    Column("failed", "i", "1", "messages of the batch that were not deleted by it"),
    Column(
        "attempt",
        "b",
        "Attempt",
        "SUCCEEDED (also with item failures), FAILED, THROTTLED, CRASHED, UNFINISHED, UNANSWERED, "
        "FILTERED_OUT or STOPPED",
    ),
    Column("downstream_us", "q", "us", "of its time: calls in service at downstreams"),
    Column("waiting_us", "q", "us", "of its time: in downstreams' lines and in pauses between tries"),
)

CHANGES: Final = (
    Column("thing", "h", "thing", "what changed"),
    Column("quantity", "b", "Quantity", "which of its quantities"),
    Column("value", "q", "by quantity", "the value it had ..."),
    Column("from_at", "q", "us", "... from this instant"),
    Column("until_at", "q", "us", "... until this one"),
)

TABLES: Final[dict[str, tuple[Column, ...]]] = {
    "messages": MESSAGES,
    "copies": COPIES,
    "deliveries": DELIVERIES,
    "invocations": INVOCATIONS,
    "changes": CHANGES,
}
