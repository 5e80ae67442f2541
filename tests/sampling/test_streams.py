"""Streams: the hash, its addresses, and that no stream knows another."""

from hashlib import blake2b

import numpy as np
import pytest

from simulator.sampling.streams import (
    Calls,
    message_keys,
    mix,
    mix_array,
    name_key,
    stream_key,
    uniform,
    uniform_one,
)

PURPOSES = ("billing/work", "billing/failure", "checkout/arrivals", "checkout/size", "fraud/work")
COUNT = 40_000


def reference_finaliser(z: int) -> int:
    """Splitmix64's finaliser as published, on Python's unbounded integers."""
    z = (z ^ (z // 2**30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z // 2**27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z // 2**31)


def reference_uniform(stream: int, key: int) -> float:
    z = (stream + 0x9E3779B97F4A7C15 * key) % 2**64
    return reference_finaliser(reference_finaliser(z)) // 2**11 / 2**53


def serial_keys(count: int = COUNT) -> np.ndarray:
    return np.arange(count, dtype=np.uint64)


def test_splitmix64_gives_its_published_sequence():
    """The first outputs of splitmix64 seeded with 1234567, as its authors' test vectors have them."""
    gamma = 0x9E3779B97F4A7C15
    outputs = [reference_finaliser((1234567 + gamma * k) % 2**64) for k in (1, 2, 3)]
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("stream", [0, 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF])
def test_uniform_is_two_rounds_of_the_finaliser(stream):
    keys = [0, 1, 2, 4095, 2**32, 2**63, 2**64 - 1]
    expected = [reference_uniform(stream, key) for key in keys]
    assert uniform(stream, np.array(keys, dtype=np.uint64)).tolist() == expected
    assert [uniform_one(stream, key) for key in keys] == expected


def test_golden_numbers_never_change():
    """A change here changes every result ever published: same seed, same bytes."""
    stream = stream_key(42, 0, "billing/work")
    digest = blake2b(b"42/0/billing/work", digest_size=8).digest()
    assert stream == sum(byte << 8 * place for place, byte in enumerate(digest)) == 3817807871835871870
    assert uniform_one(stream, 0) == 0.03514213990922177
    assert uniform_one(stream, 12_345) == 0.9817902287334735


def test_uniform_does_not_depend_on_order_or_block_size():
    stream = stream_key(7, 3, "checkout/size")
    keys = serial_keys(10_000)
    whole = uniform(stream, keys)
    for block in (1, 7, 4096):
        pieces = [uniform(stream, keys[first : first + block]) for first in range(0, 9_000, block)]
        assert np.array_equal(np.concatenate(pieces), whole[: sum(piece.size for piece in pieces)])
    assert np.array_equal(uniform(stream, keys[::-1]), whole[::-1])


def test_uniform_leaves_its_keys_alone():
    keys = serial_keys(16)
    uniform(1, keys)
    mix_array(keys, 3)
    assert np.array_equal(keys, serial_keys(16))


def test_numbers_fill_the_unit_interval_evenly():
    numbers = uniform(stream_key(1, 0, "billing/work"), serial_keys(1_000_000))
    assert numbers.min() >= 0.0 and numbers.max() < 1.0
    counts = np.histogram(numbers, bins=1000, range=(0.0, 1.0))[0]
    chi_square = float(((counts - 1000) ** 2 / 1000).sum())
    assert abs(chi_square - 999) < 4 * np.sqrt(2 * 999)


def test_stream_key_takes_any_whole_seed_and_tells_all_apart():
    seeds = [0, 1, -1, 42, 2**64, 2**64 + 42, 10**40, -(10**40)]
    keys = {stream_key(seed, r, name) for seed in seeds for r in range(20) for name in PURPOSES}
    assert len(keys) == len(seeds) * 20 * len(PURPOSES)
    assert all(0 <= key < 2**64 for key in keys)


def test_mix_is_sequential_and_equal_in_arrays():
    keys = np.array([0, 1, 2**63, 2**64 - 1, name_key("checkout")], dtype=np.uint64)
    for part in (0, 1, 2, 10**6, 2**64 - 1):
        assert mix_array(keys, part).tolist() == [mix(key, part) for key in keys.tolist()]
    assert mix(5, 2, 3) == mix(mix(5, 2), 3) != mix(5, 3, 2)
    assert mix(5, 2) == reference_finaliser((reference_finaliser(5) + 0x9E3779B97F4A7C15 * 2) % 2**64)


def test_message_keys_belong_to_producer_and_serial():
    keys = message_keys("checkout", 1_000, 50)
    assert keys.tolist() == [mix(name_key("checkout"), serial) for serial in range(1_000, 1_050)]
    assert not set(keys.tolist()) & set(message_keys("refunds", 1_000, 50).tolist())


def test_children_of_many_messages_never_collide():
    messages = message_keys("checkout", 0, 50_000)
    children = np.concatenate([mix_array(messages, part) for part in range(8)])
    assert np.unique(children).size == children.size


def test_calls_count_from_zero_whatever_their_block():
    expected = [uniform_one(99, key) for key in range(3_000)]
    for block in (1, 7, 1024):
        calls = Calls(99, block=block)
        assert [calls.next() for _ in range(3_000)] == expected


def pairs_of_streams() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Streams that a careless key would tie together, and shifts of one stream."""
    keys, pairs = serial_keys(), []
    for seed in (0, 42):
        for r in (1, 2, 9):
            base = uniform(stream_key(seed, r, PURPOSES[0]), keys)
            pairs.append(
                (f"{seed},{r}: next seed", base, uniform(stream_key(seed + 1, r - 1, PURPOSES[0]), keys))
            )
            pairs.append(
                (f"{seed},{r}: replication", base, uniform(stream_key(seed, r + 1, PURPOSES[0]), keys))
            )
            for other in PURPOSES[1:]:
                pairs.append((f"{seed},{r}: {other}", base, uniform(stream_key(seed, r, other), keys)))
            for lag in (1, 2, 3, 64, 1024):
                pairs.append((f"{seed},{r}: lag {lag}", base[:-lag], base[lag:]))
            messages = message_keys("checkout", 0, COUNT)
            hashed = uniform(stream_key(seed, r, PURPOSES[0]), messages)
            child = uniform(stream_key(seed, r, PURPOSES[0]), mix_array(messages, 1))
            pairs.append((f"{seed},{r}: attempts", hashed, child))
            pairs.append((f"{seed},{r}: message lag", hashed[:-1], hashed[1:]))
            pairs.append(
                (f"{seed},{r}: purposes", hashed, uniform(stream_key(seed, r, PURPOSES[1]), messages))
            )
    return pairs


@pytest.mark.parametrize(
    "score", [lambda u: u, lambda u: (u - 0.5) ** 2, lambda u: -np.log1p(-u), lambda u: u > 0.99]
)
def test_streams_are_independent(score):
    """No correlation within or across purposes, replications, and (seed, r) against (seed + 1, r - 1).

    Each of the 84 pairs is a standard normal number if the streams are independent: none beyond
    4.5 (once in 1,700 good generators), and together they are neither too wild nor too tame.
    """
    z = []
    for title, one, other in pairs_of_streams():
        a, b = np.asarray(score(one), dtype=float), np.asarray(score(other), dtype=float)
        z.append(np.corrcoef(a, b)[0, 1] * np.sqrt(a.size))
        assert abs(z[-1]) < 4.5, title
    assert len(z) == 84
    assert 0.7 < np.std(z) < 1.4


def test_streams_are_independent_in_pairs_of_cells():
    """Joint counts of two streams in 20 x 20 cells are those of independent numbers."""
    for title, one, other in pairs_of_streams():
        counts = np.histogram2d(one, other, bins=20, range=[[0, 1], [0, 1]])[0]
        expected = one.size / 400
        chi_square = float(((counts - expected) ** 2 / expected).sum())
        assert abs(chi_square - 399) < 5 * np.sqrt(2 * 399), title
