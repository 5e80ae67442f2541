"""What SES says of a mail."""

from simulator.aws.ses import feedback


def test_bounces_are_permanent_or_transient_and_complaints_are_neither():
    bounces = [feedback.body(kind)["bounce"]["bounceType"] for kind in feedback.KINDS[:2]]
    assert bounces == ["Permanent", "Transient"]
    others = [feedback.body(kind) for kind in feedback.KINDS[2:]]
    assert others == [{"notificationType": "Complaint"}, {"notificationType": "Delivery"}]
