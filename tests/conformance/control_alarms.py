"""Cases of CloudWatch alarms: the table of missing data, and alarms that come too early."""

from typing import Final

from simulator.aws.cloudwatch.alarms import AlarmState, Missing, evaluate
from tests.conformance.running import Case

_TREATMENTS: Final = {
    "missing": Missing.MISSING,
    "ignore": Missing.IGNORE,
    "breaching": Missing.BREACHING,
    "notBreaching": Missing.NOT_BREACHING,
}
_POINTS: Final = {"0": False, "X": True, "-": None}


def _state(case: Case, treatment: str, before: AlarmState) -> AlarmState:
    newest = case["data"][-case["evaluation_range"] :]
    return evaluate(
        [_POINTS[point] for point in newest],
        case["evaluation_periods"],
        case["datapoints_to_alarm"],
        _TREATMENTS[treatment],
        before,
    )


def alarm(case: Case) -> list[str]:
    """The state for each treatment, from every state; RETAIN: it stays what it was."""
    failures = []
    for treatment, wanted in case["expected"].items():
        for before in AlarmState:
            got = _state(case, treatment, before).name
            want = before.name if wanted == "RETAIN" else wanted
            if got != want:
                failures.append(f"{treatment} from {before.name}: wanted {want}, got {got}")
    return failures


def alarm_premature(case: Case) -> list[str]:
    """Whether it goes into ALARM from any other state."""
    others = [state for state in AlarmState if state is not AlarmState.ALARM]
    got = [_state(case, case["treat_missing"], before) is AlarmState.ALARM for before in others]
    return [f"alarm: wanted {case['alarm']}, got {one}" for one in got if one != case["alarm"]]


RUNNERS: Final = {"alarm": alarm, "alarm_premature": alarm_premature}
