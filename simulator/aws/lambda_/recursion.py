"""Lambda's guard against functions that bring themselves about.

Source: Lambda developer guide, "Use Lambda recursive loop detection to prevent infinite loops": what a
function sends to SQS, SNS or another function carries a count of the invocations that one event brought
about; when one event has invoked a function about 16 times, its next invocation is stopped. An asynchronous
event goes to the dead-letter queue or on-failure destination; an event source mapping is refused with
RecursiveInvocationException, which raises the receive count of the message: it comes again when its
visibility timeout ends, is refused again, and ends in the queue's dead-letter queue, if it has one.
"""


class RecursionGuard:
    """Counts how often one event has invoked each function.

    Parameters
    ----------
    limit : int
        Invocations of one function that one event may bring about.
    """

    __slots__ = ("limit",)

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def stops(self, turns: int) -> bool:
        """Whether a function that the event has invoked *turns* times is not invoked once more."""
        return turns >= self.limit
