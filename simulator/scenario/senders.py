"""How a producer sends: in batches, by a client that waits for answers, in a closed loop."""

from typing import Final

from pydantic import PrivateAttr, ValidationInfo, model_validator

from simulator.scenario.distributions import TimeDistribution, mean_of
from simulator.scenario.problems import Finding, refuse
from simulator.scenario.rules import Rules
from simulator.scenario.spec import Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Share

_MIDDLE: Final = 0.5


class Batch(Spec):
    """SendMessageBatch or PublishBatch: several messages in one call, accepted one by one."""

    size: Count = setting("sqs.batch_max_entries", "messages of a call at most; it goes when it is full")
    linger: Duration = option(
        "how long the first message of a batch waits for others", default="20ms", low="0s", high="1h"
    )


class Client(Spec):
    """A client that waits for the answer of each call and says again what was not answered."""

    timeout: Duration = setting("client.timeout", "how long it waits for the answer of a call")
    max_attempts: Count = setting("client.max_attempts", "calls for a message at most, the first included")
    lost_answers: Share = option(
        "share of calls that are accepted while their answer is lost", default="0%", low="0%", high="100%"
    )


class ClosedLoop(Spec):
    """Clients that send one message, wait for the answer, think, and send the next."""

    clients: Count = required("how many clients", low="1", high="100k")
    think: TimeDistribution = required("from an answer to the client's next message")
    _round_us: float = PrivateAttr(0.0)

    @property
    def per_s(self) -> float:
        """Messages a second of all clients together: clients / (think + answer), by Little."""
        return self.clients * 1e6 / self._round_us

    @model_validator(mode="after")
    def _takes_time(self, info: ValidationInfo) -> "ClosedLoop":
        answer_us = _middle_us(info.context.rules, "lat.sqs_send") if info.context else 0.0
        self._round_us = mean_of(self.think) + answer_us
        if self._round_us < 1:
            raise refuse(Finding(("think",), "is 0s and answers take no time: the loop would never end"))
        return self


def _middle_us(rules: Rules, name: str) -> float:
    """Median of a rule that is a table of quantiles [us], or the mean of a distribution."""
    value = rules.value(name)
    if not isinstance(value, tuple):
        return mean_of(value)
    return float(min(value, key=lambda point: abs(point[0] - _MIDDLE))[1])
