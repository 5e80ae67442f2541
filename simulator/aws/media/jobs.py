"""Transcoding jobs: how many run at once, and what is said of them.

Sources: Elastic Transcoder's developer guide ("Working with pipelines", "Notifications of job status") and
quotas; MediaConvert's user guide ("Working with on-demand queues", "List of MediaConvert EventBridge
events"). Jobs start in the order in which they were submitted, as slots come free.
"""

from heapq import heapreplace
from typing import Any, Final

PROGRESSING: Final = "PROGRESSING"
WARNING: Final = "WARNING"
COMPLETE: Final = "COMPLETE"
COMPLETED: Final = "COMPLETED"
ERROR: Final = "ERROR"

MEDIA_CONVERT: Final = (PROGRESSING, COMPLETE, ERROR)
"""States of a job that MediaConvert tells EventBridge; it tells nothing of ``SUBMITTED``."""
ELASTIC_TRANSCODER: Final = (PROGRESSING, WARNING, COMPLETED, ERROR)
"""States of a job of which Elastic Transcoder tells a topic."""


class JobSlots:
    """The slots of a queue or pipeline: *count* jobs at once, the others wait in their order."""

    def __init__(self, count: int) -> None:
        self._free_at = [0] * count

    def start(self, submitted_at: int, lasts_us: int) -> int:
        """Give a slot to the next job; when it starts [us]. Jobs come in the order of *submitted_at*."""
        started_at = max(submitted_at, self._free_at[0])
        heapreplace(self._free_at, started_at + lasts_us)
        return started_at


def media_convert_body(status: str) -> dict[str, Any]:
    """Give the event that a rule of EventBridge passes on, as far as filters look into it."""
    return {
        "source": "aws.mediaconvert",
        "detail-type": "MediaConvert Job State Change",
        "detail": {"status": status},
    }


def elastic_transcoder_body(state: str) -> dict[str, Any]:
    """Give the notification of a pipeline, as far as filters look into it."""
    return {"state": state, "version": "2012-09-25"}
