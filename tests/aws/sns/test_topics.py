"""Topic fan-out, rule by rule (SNS developer guide; conformance SNS-FAN, SNS-FIFO)."""

from simulator.aws.sns.topics import FifoTopic, StandardTopic, Subscription

SECOND = 1_000_000
WINDOW = 300 * SECOND


def test_topic_gives_a_copy_to_every_subscription():
    topic = StandardTopic()
    assert topic.subscribe(Subscription()) is None
    assert topic.subscribe(Subscription(raw_message_delivery=True)) is None
    assert topic.receivers({}) == (0, 1)
    assert [s.raw_message_delivery for s in topic.subscriptions] == [False, True]


def test_topic_without_subscriptions_gives_no_copies():
    assert StandardTopic().receivers(attributes(kind="order")) == ()


def test_message_published_before_a_subscription_does_not_go_to_it():
    topic = StandardTopic()  # SNS-FAN-02
    early = topic.receivers(attributes(kind="order"))
    topic.subscribe(Subscription())
    assert early == ()
    assert topic.receivers(attributes(kind="order")) == (0,)


def attributes(**texts: str) -> dict[str, dict[str, str]]:
    return {name: {"type": "String", "value": text} for name, text in texts.items()}


def test_a_policy_looks_at_attributes_or_at_the_body_as_its_scope_says():
    policy = {"kind": ["order"]}
    of_attributes, of_body = (
        Subscription(filter_policy=policy),
        Subscription(filter_policy=policy, filter_policy_scope="MessageBody"),
    )
    order, refund = attributes(kind="order"), '{"kind": "refund"}'
    assert of_attributes.accepts(order, refund) and not of_body.accepts(order, refund)
    assert of_body.accepts({}, '{"kind": "order"}') and not of_attributes.accepts({}, '{"kind": "order"}')
    assert not of_body.accepts(order, "order")


def test_no_policy_and_an_empty_one_accept_everything():
    policies: tuple[dict[str, object] | None, ...] = (None, {})
    for policy in policies:
        topic = StandardTopic()
        topic.subscribe(Subscription(filter_policy=policy))
        assert topic.receivers({}) == (0,)
        assert topic.receivers(attributes(kind="order")) == (0,)


def test_each_subscription_filters_for_itself():
    topic = StandardTopic()
    topic.subscribe(Subscription(filter_policy={"kind": ["order"]}))
    topic.subscribe(Subscription())
    topic.subscribe(Subscription(filter_policy={"kind": ["refund", "order"]}))
    assert topic.receivers(attributes(kind="order")) == (0, 1, 2)
    assert topic.receivers(attributes(kind="refund")) == (1, 2)
    assert topic.receivers(attributes(kind="other")) == (1,)


def test_standard_topic_refuses_a_fifo_queue_and_says_why():
    topic = StandardTopic()
    reason = topic.subscribe(Subscription(to_fifo=True))
    assert reason is not None
    assert reason.startswith("InvalidParameter") and "FIFO" in reason
    assert topic.receivers({}) == ()


def test_fifo_topic_takes_fifo_and_standard_queues():
    topic = FifoTopic(WINDOW)  # standard queues since September 2023: SNS guide
    assert topic.subscribe(Subscription(to_fifo=True)) is None
    assert topic.subscribe(Subscription()) is None
    assert topic.receivers({}) == (0, 1)


def test_fifo_topic_answers_a_duplicate_with_the_original():
    topic = FifoTopic(WINDOW)  # over all groups, for every kind of queue: SNS-FIFO-03a, SNS-FIFO-04
    assert topic.publish(0, 7, "id") == 7
    assert topic.publish(SECOND, 8, "id") == 7
    assert topic.publish(SECOND, 9, "other") == 9


def test_fifo_topic_forgets_an_id_five_minutes_after_its_first_publish():
    topic = FifoTopic(WINDOW)
    topic.publish(0, 7, "id")
    assert topic.publish(WINDOW - 1, 8, "id") == 7
    assert topic.publish(WINDOW, 9, "id") == 9
    assert topic.publish(WINDOW + 1, 10, "id") == 9
