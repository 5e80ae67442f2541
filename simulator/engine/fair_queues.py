"""Builds fair queues."""

from typing import Any

from simulator.aws.sqs.fair import FairQueue
from simulator.aws.sqs.tenants import Limits
from simulator.engine.taken import Taken
from simulator.processes.ledger import Ledger


def fair_queue(common: dict[str, Any], taken: Taken, ledger: Ledger) -> FairQueue:
    """A fair queue by the rules of the run; the groups of messages are its tenants."""
    rule = taken.rule
    group, message_of = ledger.group, ledger.message_of
    return FairQueue(
        **common,
        group_of=lambda copy: group[message_of[copy]],
        limits=Limits(
            share=rule("sqs.fair.share"),
            min_in_flight=rule("sqs.fair.min_inflight"),
            processing_share=rule("sqs.fair.proc_share"),
            slower=rule("sqs.fair.proc_slower"),
            window_us=rule("sqs.fair.window"),
            quiet_after_us=rule("sqs.fair.quiet_after"),
            reaction_us=rule("sqs.fair.reaction"),
        ),
        max_in_flight=rule("sqs.max_inflight"),
        back_after=rule("sqs.requeue_back_after"),
        p_stale_delete_works=rule("sqs.model.p_stale_delete_works"),
        max_hold_us=rule("sqs.max_hold"),
    )
