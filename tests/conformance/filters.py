"""Cases of filter policies: what a policy lets through, and which policies AWS refuses."""

from simulator.aws.sns.filter_policy import FilterPolicy
from simulator.aws.sns.filter_validity import Limits, refusal
from tests.conformance.running import Case


def run_case(case: Case) -> list[str]:
    """Failures of one case, each ``key: wanted ..., got ...``."""
    if "valid" in case:
        reason = refusal(case["policy"], case["scope"], Limits())
        if (reason is None) == case["valid"]:
            return []
        return [f"valid: wanted {case['valid']}, got {reason is None}" + (f" ({reason})" if reason else "")]
    policy = FilterPolicy(case["policy"])
    of_body = case["scope"] == "MessageBody"
    verdict = policy.of_text(case["body"]) if of_body else policy.of_attributes(case["attributes"])
    if verdict.accepted == case["accepted"]:
        return []
    return [f"accepted: wanted {case['accepted']}, got {verdict.accepted} ({verdict.key} {verdict.reason})"]
