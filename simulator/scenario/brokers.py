"""Brokers of Amazon MQ for ActiveMQ, and what makes a queue one of theirs."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import StrictBool, model_validator

from simulator.scenario.problems import Finding, refuse
from simulator.scenario.rules import Rules
from simulator.scenario.spec import Context, Spec, option, required, setting
from simulator.scenario.units import Count, Duration, Name, Size

Instance = Literal[
    "mq.t2.micro", "mq.t3.micro", "mq.m4.large", "mq.m5.large", "mq.m5.xlarge", "mq.m5.2xlarge",
    "mq.m5.4xlarge",
]  # fmt: skip

VCPUS: Final[Mapping[str, int]] = {
    "mq.t2.micro": 1,
    "mq.t3.micro": 2,
    "mq.m4.large": 2,
    "mq.m5.large": 2,
    "mq.m5.xlarge": 4,
    "mq.m5.2xlarge": 8,
    "mq.m5.4xlarge": 16,
}
"""Of each instance type (Amazon MQ guide)."""

_GIB: Final = 1 << 30
MEMORY_BYTES: Final[Mapping[str, int]] = {
    "mq.t2.micro": _GIB,
    "mq.t3.micro": _GIB,
    "mq.m4.large": 8 * _GIB,
    "mq.m5.large": 8 * _GIB,
    "mq.m5.xlarge": 16 * _GIB,
    "mq.m5.2xlarge": 32 * _GIB,
    "mq.m5.4xlarge": 64 * _GIB,
}
"""Of each instance type (Amazon MQ guide)."""


class Broker(Spec):
    """A broker of Amazon MQ for ActiveMQ; queues are its own by `queues.NAME.broker`."""

    instance: Instance = option("its instance type", default="mq.m5.large")
    deployment: Literal["single_instance", "active_standby"] = option(
        "one instance, or two in two zones, one of them active", default="active_standby"
    )
    storage: Literal["efs", "ebs"] = option(
        "`efs`, or `ebs` for single instances of type mq.m5: faster, in one zone", default="efs"
    )
    concurrent_store_and_dispatch: StrictBool = option(
        "messages are pushed while they are written, and not written if they are acknowledged before "
        "(concurrentStoreAndDispatchQueues)",
        default=True,
    )
    producer_flow_control: StrictBool = option(
        "producers wait while memory is full; without it only a full store holds them up", default=True
    )
    memory: Size | None = option(
        "what messages may take of its memory; `mq.model.memory_share` of the instance's if left out",
        low="1KiB",
        high="64GiB",
    )
    store: Size | None = option(
        "size of its storage; `mq.store.large` (or `.micro`) if left out", low="1KiB", high="1024GiB"
    )

    @model_validator(mode="after")
    def _storage_fits(self) -> "Broker":
        if self.storage == "ebs" and self.deployment != "single_instance":
            message = "is ebs; only a single instance has it, active/standby brokers share EFS"
            raise refuse(Finding(("storage",), message))
        if self.storage == "ebs" and not self.instance.startswith("mq.m5"):
            raise refuse(
                Finding(("storage",), f"is ebs; {self.instance} has EFS only, mq.m5 types have both")
            )
        return self

    @property
    def size(self) -> str:
        """Which of the limits by size it has: ``micro`` or ``large``."""
        return "micro" if self.instance.endswith("micro") else "large"

    def memory_bytes(self, rules: Rules) -> int:
        """What messages may take of its memory [bytes]."""
        if self.memory is not None:
            return int(self.memory)
        return int(MEMORY_BYTES[self.instance] * rules.value("mq.model.memory_share"))

    def store_bytes(self, rules: Rules) -> int:
        """Size of its storage [bytes]."""
        return int(rules.value(f"mq.store.{self.size}") if self.store is None else self.store)

    def messages_per_s(self, rules: Rules) -> int:
        """What its processor handles."""
        return VCPUS[self.instance] * int(rules.value("mq.model.messages_per_vcpu"))


class Redelivery(Spec):
    """How consumers try a message again that failed (the client's redelivery policy)."""

    tries: Count | None = option(
        "attempts after the first; if left out, one less than `redrive.max_receive_count`, or "
        "`mq.redelivery.tries` without `redrive`",
        low="0",
        high="1000",
    )
    delay: Duration = setting("mq.redelivery.delay", "pause before each; the consumer gets nothing else")
    back_off: StrictBool = option("each pause is `mq.redelivery.factor` times the one before", default=False)


class Destination(Spec):
    """What makes a queue one of a broker, and how consumers get its messages."""

    shorthand = "the name of a broker"

    name: Name = required("the broker")
    prefetch: Count = setting(
        "mq.prefetch.queue", "messages pushed to a consumer before it acknowledges any; 1 for slow work"
    )
    acknowledge: Literal["auto", "individual", "client", "dups_ok", "transacted"] = option(
        "when a consumer acknowledges: each message (`auto`, `individual`), several at once (`client`, "
        "`transacted`), or when half of the prefetch is done (`dups_ok`)",
        default="auto",
    )
    acknowledge_every: Count = option(
        "with `client` and `transacted`: messages of one acknowledgement", default=10, low="1", high="10000"
    )
    virtual_topic: tuple[Name, ...] = option(
        "further queues of the broker that get a copy of each message that producers send to this one, as "
        "the queues of a virtual topic's consumers do",
        default=[],
        what="list of queues",
    )
    prioritized: StrictBool = option(
        "priorities of messages count (prioritizedMessages), in the three classes that the store keeps",
        default=False,
    )
    redelivery: Redelivery = option("how consumers try a failed message again", default={})

    @classmethod
    def expand(cls, data: Any, context: Context | None) -> Any:
        """Turn a name into the map it stands for."""
        return {"name": data} if isinstance(data, str) else data


class Jms(Spec):
    """How a producer sends to a queue of a broker."""

    connections: Count = option(
        "threads that send, each with one message at a time, which waits for its answer",
        default=1,
        low="1",
        high="100000",
    )
    delivery_mode: Literal["persistent", "non_persistent"] = option(
        "`persistent` messages are answered when they are stored; others are in memory only, and lost when "
        "the broker fails",
        default="persistent",
    )
    priority: Count = option("JMSPriority of its messages", default=4, low="0", high="9")
