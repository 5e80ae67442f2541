"""What a Task of Amazon States Language calls, by its Resource and the parameters that name the thing."""

import re
from typing import Final

from simulator.aws.step_functions.states import Call, Pattern
from simulator.scenario.asl_parts import Part
from simulator.scenario.problems import shown

_OWN: Final = re.compile(r"arn:[\w-]+:(lambda|states):[^:]*:[^:]*:(function|activity):([^:]+)(?::.+)?")
_SERVICE: Final = re.compile(r"arn:[\w-]+:states:[^:]*:[^:]*:(.+)")
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]+)\}")
_PATTERNS: Final[dict[str, Pattern]] = {"sync": "sync", "sync:2": "sync", "waitForTaskToken": "callback"}
_THINGS: Final[dict[str, tuple[str, str, str]]] = {
    "lambda:invoke": ("function", "FunctionName", ":function:"),
    "sqs:sendMessage": ("queue", "QueueUrl", "/"),
    "sns:publish": ("topic", "TopicArn", ":"),
    "states:startExecution": ("workflow", "StateMachineArn", ":"),
}
"""Integrations that call things of a scenario: kind, the parameter with the name, what is before it."""


def call_of(part: Part) -> tuple[Call, bool]:
    """Give what a Task calls, by the names written, and whether its result is wrapped as Lambda's answer."""
    resource = part.text("Resource", required=True)
    if found := _PLACEHOLDER.fullmatch(resource):
        return Call("function", found[1], lambda_arn=True), False
    if found := _OWN.fullmatch(resource):
        kind = found[2]
        name = _plain(found[3])
        return (
            Call("function", name, lambda_arn=True) if kind == "function" else Call("activity", name)
        ), False
    if not (found := _SERVICE.fullmatch(resource)):
        if resource:
            part.wrong(
                "Resource", f"is {shown(resource)}; the ARN of a function, an activity or a service is due"
            )
        return Call("service", resource), False
    action, _, wait = found[1].partition(".")
    pattern = _PATTERNS.get(wait, "request_response")
    if wait and wait not in _PATTERNS:
        part.wrong(
            "Resource", f"waits by .{shown(wait)}; known: {', '.join(f'.{word}' for word in _PATTERNS)}"
        )
    if action not in _THINGS:
        return Call("service", action, pattern), False
    kind, key, before = _THINGS[action]
    name = _named(part, key, before)
    payload = kind == "function" and pattern == "request_response"
    return Call(kind, name, pattern), payload  # type: ignore[arg-type]


def _named(part: Part, key: str, before: str) -> str:
    """Give the name of the thing in a task's parameters; "" where it is only known when it runs."""
    for field in ("Parameters", "Arguments"):
        if field in part and isinstance(part.value[field], dict):
            inside = part.at(field)
            if key in inside:
                text = inside.text(key)
                if "{%" in text:
                    return ""
                if found := _PLACEHOLDER.fullmatch(text):
                    return found[1]
                if before in text:
                    text = text.split(before)[1] if before == ":function:" else text.rsplit(before, 1)[1]
                return _plain(text)
    return ""


def _plain(text: str) -> str:
    """Leave out a version or an alias, and the braces of a name that is put in later."""
    found = _PLACEHOLDER.fullmatch(text)
    return found[1] if found else text.split(":")[0]
