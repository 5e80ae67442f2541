"""What a report must know of subscriptions that are no queue and no function."""

import math
from collections.abc import Iterator

from simulator.analysis.answer import Consumer
from simulator.experiments.traffic import amount, span
from simulator.scenario.distributions import mean_of
from simulator.scenario.endpoints import Http, Sms, endpoint_lines
from simulator.scenario.schema import Scenario


def endpoint_consumers(scenario: Scenario) -> Iterator[Consumer]:
    """Give what takes the messages of each such subscription: the endpoint itself."""
    for path, topic, name in endpoint_lines(scenario):
        given = scenario.topics[topic].subscriptions[name]
        if given.http is not None:
            settings, ceilings = _web_server(scenario, given.http)
        elif given.sms is not None:
            settings, ceilings = _phone(scenario, given.sms)
        elif given.email is not None:
            most = scenario.rules.value("sns.email.most_per_second")
            settings, ceilings = ["email", f"disabled above {most} messages/s"], [(float(most), "by AWS")]
        else:
            assert given.push is not None
            settings = [f"push by {given.push.platform.upper()}", f"time to live {span(given.push.ttl)}"]
            ceilings = []
        per_s, words = min(ceilings, default=(math.inf, "no limit"))
        yield Consumer(
            path=path,
            kind=given.kind,
            queue=path,
            settings=", ".join(settings),
            ceiling_per_s=per_s,
            ceiling=words,
            maximum=math.inf,
            limit_words={"call_tokens": "the allowed messages/s", "downstream": "a failing endpoint"},
        )


def _web_server(scenario: Scenario, given: Http) -> tuple[list[str], list[tuple[float, str]]]:
    policy = given.delivery_policy
    retries = f"{policy.retries} {'retry' if policy.retries == 1 else 'retries'}"
    settings = [f"HTTP to {given.downstream}", f"{retries} in {span(policy.policy().total_us())}"]
    ceilings = []
    if (rate := given.max_receives_per_second) is not None:
        settings.append(f"{amount(rate)} receives/s")
        ceilings.append((rate, f"{amount(rate)} receives/s by the delivery policy"))
    server = scenario.downstreams[given.downstream]
    if server.rate is not None:
        ceilings.append((server.rate, f"{given.downstream}: {amount(server.rate)} calls/s"))
    latency_us = mean_of(server.latency)
    for places, what in ((server.connections, "connections"), (server.parallelism, "at full speed")):
        if places is not None and latency_us > 0:
            words = f"{given.downstream}: {amount(places)} {what} / {span(latency_us)}"
            ceilings.append((places * 1e6 / latency_us, words))
    return settings, ceilings


def _phone(scenario: Scenario, given: Sms) -> tuple[list[str], list[tuple[float, str]]]:
    parts = given.parts(scenario.rules.value("sns.sms.part"))
    rate = scenario.rules.value(f"sns.sms.{given.sender}")
    messages = int(given.monthly_spend / (parts * given.price)) if given.price else math.inf
    settings = [f"SMS of {parts} {'part' if parts == 1 else 'parts'}", given.sender.replace("_", " ")]
    if math.isfinite(messages):
        settings.append(f"{amount(messages)} a month for {given.monthly_spend:g} USD")
    return settings, [(rate / parts, f"{rate} parts/s" + (f" / {parts} parts" if parts > 1 else ""))]
