"""What a ReceiveMessage call leaves behind in the queue."""

from typing import Final

NEVER: Final = 2**62
"""An instant [us] later than any run: nothing will happen by itself."""


class Receipt:
    """Copies of one ReceiveMessage answer, held until they are deleted or their timeout ends.

    Attributes
    ----------
    received : list of int
        Every copy given out, in the order of the answer.
    copies : list of int
        Those still held: neither deleted nor visible again.
    received_at, visible_at : int
        When the receive took place and when what is left becomes visible again [us].
    available_at : int
        The instant [us] since which a receive could have had the newest of them.
    places : list of int
        Each one's place in the queue [us], as ``received``: on a standard queue when it was sent.
    again : dict
        ApproximateReceiveCount of each copy that was received before.
    moved : list of int
        Copies this receive moved to the dead-letter queue instead of giving them out.
    """

    __slots__ = (
        "again",
        "available_at",
        "copies",
        "moved",
        "places",
        "received",
        "received_at",
        "visible_at",
    )

    def __init__(
        self,
        received: list[int],
        received_at: int,
        visible_at: int,
        available_at: int,
        places: list[int],
        again: dict[int, int],
        moved: list[int],
    ) -> None:
        self.received = received
        self.copies = received
        self.received_at = received_at
        self.visible_at = visible_at
        self.available_at = available_at
        self.places = places
        self.again = again
        self.moved = moved
