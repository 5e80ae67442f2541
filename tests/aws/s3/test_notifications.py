"""What a bucket tells of, and which rules it takes."""

import pytest

from simulator.aws.s3 import notifications


@pytest.mark.parametrize(
    ("key", "prefixes", "suffixes", "told"),
    [
        ("images/a.jpg", (), (), True),
        ("images/a.jpg", ("images/",), (), True),
        ("tmp/a.jpg", ("images/",), (), False),
        ("images/a.jpg", ("images/",), (".jpg",), True),
        ("images/a.png", ("images/",), (".jpg",), False),
        ("images/a.png", ("images/",), (".jpg", ".png"), True),
        ("raw/a.png", ("images/", "raw/"), (".png",), True),
        ("Images/a.jpg", ("images/",), (), False),
    ],
)
def test_a_key_is_told_if_it_begins_and_ends_as_a_rule_says(key, prefixes, suffixes, told):
    assert notifications.is_told(key, prefixes, suffixes) is told


@pytest.mark.parametrize(
    ("prefixes", "suffixes", "refused"),
    [
        (("images/",), (".jpg", ".png"), False),
        (("images/", "raw/"), (".jpg",), False),
        (("images/", "images/large/"), (), True),
        (("images", "images"), (), True),
        ((), (".jpg", "a.jpg"), True),
    ],
)
def test_rules_that_overlap_are_refused(prefixes, suffixes, refused):
    assert bool(notifications.overlap(prefixes, suffixes)) is refused


def test_an_event_has_its_key_where_filters_of_bodies_look():
    body = notifications.body("ObjectCreated:Put", "images/a.jpg")
    assert body["Records"][0]["s3"]["object"]["key"] == "images/a.jpg"
    assert body["Records"][0]["eventName"] == "ObjectCreated:Put"
