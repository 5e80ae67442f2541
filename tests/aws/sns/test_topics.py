"""Topic fan-out, rule by rule (SNS developer guide; conformance SNS-FAN, SNS-FIFO)."""

from simulator.aws.sns.topics import FifoTopic, StandardTopic, Subscription, accepts

SECOND = 1_000_000
WINDOW = 300 * SECOND


def test_topic_gives_a_copy_to_every_subscription():
    topic = StandardTopic()
    assert topic.subscribe(Subscription()) is None
    assert topic.subscribe(Subscription(raw_message_delivery=True)) is None
    assert topic.receivers({}) == (0, 1)
    assert [s.raw_message_delivery for s in topic.subscriptions] == [False, True]


def test_topic_without_subscriptions_gives_no_copies():
    assert StandardTopic().receivers({"kind": "order"}) == ()


def test_message_published_before_a_subscription_does_not_go_to_it():
    topic = StandardTopic()  # SNS-FAN-02
    early = topic.receivers({"kind": "order"})
    topic.subscribe(Subscription())
    assert early == ()
    assert topic.receivers({"kind": "order"}) == (0,)


def test_filter_policy_takes_any_listed_value_of_every_named_key():
    policy = {"kind": ("order", "refund"), "region": ("eu",)}  # keys AND, values of a key OR: SNS guide
    assert accepts(policy, {"kind": "order", "region": "eu"})
    assert accepts(policy, {"kind": "refund", "region": "eu", "other": "x"})
    assert not accepts(policy, {"kind": "return", "region": "eu"})
    assert not accepts(policy, {"kind": "order", "region": "us"})


def test_message_without_the_attribute_is_not_accepted():
    assert not accepts({"kind": ("order",)}, {})


def test_exact_values_are_compared_whole_and_with_case():
    assert not accepts({"kind": ("order",)}, {"kind": "Order"})
    assert not accepts({"kind": ("order",)}, {"kind": "ord"})


def test_no_policy_and_an_empty_one_accept_everything():
    policies: tuple[dict[str, tuple[str, ...]] | None, ...] = (None, {})
    for policy in policies:
        topic = StandardTopic()
        topic.subscribe(Subscription(filter_policy=policy))
        assert topic.receivers({}) == (0,)
        assert topic.receivers({"kind": "order"}) == (0,)


def test_each_subscription_filters_for_itself():
    topic = StandardTopic()
    topic.subscribe(Subscription(filter_policy={"kind": ("order",)}))
    topic.subscribe(Subscription())
    topic.subscribe(Subscription(filter_policy={"kind": ("refund", "order")}))
    assert topic.receivers({"kind": "order"}) == (0, 1, 2)
    assert topic.receivers({"kind": "refund"}) == (1, 2)
    assert topic.receivers({"kind": "other"}) == (1,)


def test_policies_are_evaluated_once_for_each_combination_of_values():
    class Counted(dict[str, tuple[str, ...]]):
        looks = 0

        def items(self):
            self.looks += 1
            return super().items()

    policy = Counted(kind=("order",))
    topic = StandardTopic()
    topic.subscribe(Subscription(filter_policy=policy))
    for _ in range(100):
        assert topic.receivers({"kind": "order", "region": "eu"}) == (0,)
        assert topic.receivers({"region": "eu", "kind": "refund"}) == ()
    assert policy.looks == 2


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
