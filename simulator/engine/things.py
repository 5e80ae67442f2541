"""The things of a run: rows carry numbers, this is the list they count in."""

from simulator.scenario.invoked import lines, state_paths
from simulator.scenario.schema import Scenario


def things_of(scenario: Scenario) -> tuple[str, ...]:
    """Paths of everything that rows can point at, in the order of their numbers."""
    things = [f"producers.{name}" for name in scenario.producers]
    for name, topic in scenario.topics.items():
        things.append(f"topics.{name}")
        things += [f"topics.{name}.subscriptions.{key}" for key in topic.subscriptions]
    things += [f"queues.{name}" for name in scenario.queues]
    for name, function in scenario.functions.items():
        things.append(f"functions.{name}")
        things += [f"functions.{name}.event_sources.{key}" for key in function.event_sources]
    things += [f"auto_scaling_groups.{name}" for name in scenario.auto_scaling_groups]
    things += [f"downstreams.{name}" for name in scenario.downstreams]
    things += [path for path, _ in lines(scenario)]
    things += [f"alarms.{name}" for name in scenario.alarms]
    things += [f"ecs_services.{name}" for name in scenario.ecs_services]
    things += [f"deployments.{name}" for name in scenario.deployments]
    things += [f"email.{name}" for name in scenario.email]
    things += [f"brokers.{name}" for name in scenario.brokers]
    for name in scenario.workflows:
        things += [f"workflows.{name}", *state_paths(scenario, name).values()]
    return tuple(things)
