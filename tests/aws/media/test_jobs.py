"""Jobs wait in their order for a slot."""

from simulator.aws.media.jobs import JobSlots, elastic_transcoder_body, media_convert_body


def test_as_many_jobs_run_at_once_as_there_are_slots():
    slots = JobSlots(2)
    assert [slots.start(at, 10) for at in (0, 1, 2, 3, 4)] == [0, 1, 10, 11, 20]


def test_a_job_that_finds_a_slot_free_starts_at_once():
    slots = JobSlots(1)
    assert [slots.start(0, 10), slots.start(10, 5), slots.start(40, 1)] == [0, 10, 40]


def test_a_short_job_does_not_overtake_one_that_was_submitted_before():
    slots = JobSlots(1)
    assert [slots.start(0, 100), slots.start(1, 100), slots.start(2, 1)] == [0, 100, 200]


def test_states_stand_where_filters_of_bodies_look():
    assert media_convert_body("ERROR")["detail"]["status"] == "ERROR"
    assert elastic_transcoder_body("ERROR")["state"] == "ERROR"
