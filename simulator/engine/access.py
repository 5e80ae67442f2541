"""Builds when calls are denied by policies, when subscriptions stand, and when endpoints are unavailable."""

from simulator.aws.access import Effect, allowed, service_allowed
from simulator.aws.sqs.receipt import NEVER
from simulator.engine.taken import Taken
from simulator.processes.reach import Reach
from simulator.sampling.streams import uniform_one
from simulator.scenario.access import PolicyChange, needs_grant
from simulator.scenario.schema import Scenario
from simulator.scenario.subscriptions import Subscription


class Access:
    """What the policies of a scenario say about calls; a change takes its time to spread, drawn for each."""

    def __init__(self, scenario: Scenario, taken: Taken) -> None:
        self._scenario = scenario
        self._taken = taken
        self._spans = {name: self._span(name, change) for name, change in scenario.access.items()}

    def _span(self, name: str, change: PolicyChange) -> tuple[int, int]:
        """When a change is in force [us]; a policy that was never right has nothing to spread."""
        begin = change.at and change.at + self._spread_us(f"access/{name}/from")
        if change.for_us is None:
            return begin, NEVER
        return begin, max(begin, change.at + change.for_us + self._spread_us(f"access/{name}/until"))

    def _spread_us(self, name: str) -> int:
        longest: int = self._taken.rule("access.propagation")
        return round(uniform_one(self._taken.stream(name), 0) * longest)

    def denied(self, action: str, resource: str, kind: str, caller: str) -> list[tuple[int, int]]:
        """Spans of time [us] in which a call by *caller*, a topic or a producer (*kind*), is denied."""
        call = (action, resource, kind, caller)
        return [
            self._spans[name]
            for name, change in self._scenario.access.items()
            if change.meets(*call) and not self._allows(change, call)
        ]

    def _allows(self, change: PolicyChange, call: tuple[str, str, str, str]) -> bool:
        """Whether a call is allowed although a policy is as *change* says."""
        resource = Effect.DENY if change.deny is not None else Effect.NOTHING
        if call[2] == "topic":
            return service_allowed(resource)
        same_account = not needs_grant(self._scenario, *call)
        return allowed(Effect.ALLOW, resource, same_account=same_account)

    def delivers(self, topic: str, subscription: Subscription) -> Reach:
        """When SNS reaches the queue or the function of a subscription."""
        queue, function = subscription.queue, subscription.function
        if queue is None:
            return Reach(self.denied("lambda:InvokeFunction", function or "", "topic", topic))
        return Reach(self.denied("sqs:SendMessage", queue, "topic", topic), self._unavailable(queue))

    def redrives(self, topic: str, queue: str) -> Reach:
        """When SNS may send to the dead-letter queue of a subscription."""
        return Reach(self.denied("sqs:SendMessage", queue, "topic", topic))

    def _unavailable(self, queue: str) -> list[tuple[int, int]]:
        return [
            (fault.at, fault.until)
            for fault in self._scenario.faults.values()
            if fault.unavailable and fault.target == queue
        ]

    def stands(self, topic: str, subscription: Subscription) -> tuple[int, int]:
        """From when to when a subscription is confirmed [us]; one that never is stands from NEVER on."""
        confirmed_at = subscription.confirmed_at
        if subscription.subscribed_by != "topic_owner":
            return 0, NEVER
        if confirmed_at is None or confirmed_at > self._taken.rule("sns.confirm_ttl"):
            return NEVER, NEVER
        return confirmed_at, NEVER
