"""What SES tells a topic of the mails it sent.

Sources: SES's developer guide, "Notification contents" and "Configuring SNS notifications" (standard topics
only). A hard bounce is permanent and told at once; after a soft failure SES tries again for up to 14 hours
and then tells a transient bounce; a complaint comes from the reader, hours later.
"""

from typing import Any, Final

HARD_BOUNCE: Final = "hard_bounce"
SOFT_BOUNCE: Final = "soft_bounce"
COMPLAINT: Final = "complaint"
DELIVERY: Final = "delivery"
KINDS: Final = (HARD_BOUNCE, SOFT_BOUNCE, COMPLAINT, DELIVERY)
RECEIVED: Final = {"notificationType": "Received"}
"""Body of what SES says of a mail that it received, as far as filters look into it."""


def body(kind: str) -> dict[str, Any]:
    """Give the body of a notification, as far as filters look into it; it has no message attributes."""
    if kind == COMPLAINT:
        return {"notificationType": "Complaint"}
    if kind == DELIVERY:
        return {"notificationType": "Delivery"}
    permanent = kind == HARD_BOUNCE
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent" if permanent else "Transient",
            "bounceSubType": "General",
        },
    }
