"""The torch network, and that the numpy cell computes the very same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.cell import expected_shapes
from predictor.events import Event
from predictor.inputs import DAY, EVENT_SIZE, InputConfig
from predictor.sequences import EventTable
from predictor.steps import build, last_gaps
from predictor.streaming import Streamer
from predictor.streams import streams
from tests.predictor.random_models import KNOWN, KNOWN_ITEMS, START, TARGETS, manifest, room

torch = pytest.importorskip("torch")

from predictor.batches import next_events, to_batch  # noqa: E402
from predictor.blocks import layout  # noqa: E402
from predictor.model import ITEMS_FORGOTTEN, Batch, ModelConfig, Network  # noqa: E402

pytestmark = pytest.mark.train

SIZE = ModelConfig(hidden=12, embedding=6, width=5)


def random_network(clock: str = "course", known_items: tuple[str, ...] = (), seed: int = 0) -> Network:
    """Large weights everywhere, so that a difference anywhere shows."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    inputs = InputConfig(KNOWN, known_items, clock=clock)  # type: ignore[arg-type]
    network = Network(SIZE, inputs, len(TARGETS)).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    if network.items is not None:
        with torch.no_grad():
            network.items.weight[0] = 0
    network.scale(torch.rand(50, EVENT_SIZE), 2 * torch.rand(50, network.input_config.reading_size))
    return network


NETWORKS = {clock: random_network(clock) for clock in ("course", "learner")}
NETWORKS["items"] = random_network("course", KNOWN_ITEMS)


def in_torch(network: Network, source: EventTable, names: list[str], now: float) -> np.ndarray:
    """Every learner recomputed from the first event: probabilities [n, targets] before calibration."""
    people = streams(source.sequences("course"), network.input_config, names).before(np.full(len(names), now))
    moments = np.full(len(names), now)
    starts = np.full(len(names), START)
    steps = build(network.input_config, people, starts, moments, (last_gaps(people), moments))
    batch = to_batch(steps, network.input_config.event_tokens)
    with torch.no_grad():
        hidden = network.hidden(batch)[0] if batch.running else torch.zeros(0, SIZE.hidden)
        logits = network.readings(hidden, batch)[torch.from_numpy(~steps.markers)]
    return np.asarray(logits)


@settings(max_examples=40, deadline=None)
@given(
    people=room(),
    kind=st.sampled_from(list(NETWORKS)),
    ahead=st.sampled_from([0.0, 0.4, 1.0, 12.7, 45.0, 380.0]),
    size=st.integers(1, 7),
)
def test_streaming_in_pieces_equals_a_full_recompute_in_torch(
    people: list[list[Event]], kind: str, ahead: float, size: int
) -> None:
    network = NETWORKS[kind]
    streamer = Streamer(network.tensors(), manifest(network.input_config, SIZE.hidden))
    source = EventTable.of([event for events in people for event in events])
    if not source.courses:
        return
    sequences = source.sequences("course")
    names = [f"learner-{place}" for place in range(len(people))]
    now = float(sequences.times.max()) + ahead * DAY + 1e-3
    logits = in_torch(network, source, names, now)
    scale, shift = 1.2, -0.1
    expected = 1 / (1 + np.exp(-(logits * scale + shift)))
    for row, name in enumerate(names):
        state = streamer.begin(START)
        if name in sequences.learners:
            place = sequences.learners.index(name)
            low, high = int(sequences.offsets[place]), int(sequences.offsets[place + 1])
            for begin in range(low, high, size):
                part = slice(begin, min(begin + size, high))
                state = streamer.advance(
                    state,
                    [sequences.names[token] for token in sequences.tokens[part]],
                    sequences.times[part].tolist(),
                    [sequences.item_names[item] if item >= 0 else "" for item in sequences.items[part]],
                )
                state = streamer.unpack(streamer.pack(state))
        found = streamer.at(state, now).probabilities
        np.testing.assert_allclose([found[target] for target in TARGETS], expected[row], atol=1e-5)


@pytest.mark.parametrize("kind", list(NETWORKS))
def test_tensors_have_the_shapes_that_the_cell_expects(kind: str) -> None:
    network = NETWORKS[kind]
    shapes = expected_shapes(network.input_config, SIZE.hidden, len(TARGETS), SIZE.width)
    assert {name: array.shape for name, array in network.tensors().items()} == shapes


def test_a_learner_is_read_alike_alone_and_among_others() -> None:
    network = NETWORKS["course"]
    rng = np.random.default_rng(0)
    events = [
        Event("course", f"l{place}", START + float(time), str(rng.choice(KNOWN)))
        for place in range(6)
        for time in np.sort(rng.uniform(0, 9 * DAY, 4 * place))
    ]
    source, now = EventTable.of(events), START + 10 * DAY
    names = [f"l{place}" for place in range(6)]
    together = in_torch(network, source, names, now)
    for row, name in enumerate(names):
        np.testing.assert_allclose(in_torch(network, source, [name], now)[0], together[row], atol=1e-5)


def test_the_next_event_is_the_learners_own_or_none() -> None:
    config = InputConfig(KNOWN)
    events = [Event("course", "a", START + 5, KNOWN[1]), Event("course", "a", START + 2 * DAY, KNOWN[2])]
    events.append(Event("course", "b", START + 9, KNOWN[0]))
    people = streams(EventTable.of(events).sequences("course"), config)
    steps = build(config, people, np.full(2, START), np.full(2, START + 2.5 * DAY))
    third = config.index()[KNOWN[2]]
    assert next_events(steps, config.event_tokens).tolist() == [third, third, third, -1, -1, -1, -1]


def test_known_items_begin_at_nothing_and_leave_all_else_as_it_was() -> None:
    torch.manual_seed(3)
    plain = Network(SIZE, InputConfig(KNOWN), 1)
    torch.manual_seed(3)
    knowing = Network(SIZE, InputConfig(KNOWN, KNOWN_ITEMS), 1)
    weights, others = plain.state_dict(), knowing.state_dict()
    assert not others.pop("items.weight").any()
    assert list(weights) == list(others)
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def crowd(learners: int) -> tuple[Batch, list[tuple[int, int]]]:
    """A batch of learners who did one to four things each, and the (learner, item) of each of its steps."""
    names = [f"l{place:04d}" for place in range(learners)]
    events = [
        Event("course", name, START + 60 * number, KNOWN[0], f"block-{'ac'[(place + number) % 2]}")
        for place, name in enumerate(names)
        for number in range(1 + place % 4)
    ]
    config = NETWORKS["items"].input_config
    people = streams(EventTable.of(events).sequences("course"), config, names)
    steps = build(config, people, np.full(learners, START), np.full(learners, START + 3600.0))
    plan = layout(steps.lengths)
    owners = np.repeat(np.arange(learners), steps.lengths)[plan.source]
    batch = to_batch(steps, config.event_tokens)
    return batch, list(zip(owners.tolist(), batch.items.tolist(), strict=True))


def test_in_training_some_learners_lack_all_their_known_items_and_none_later() -> None:
    network, (batch, steps) = NETWORKS["items"], crowd(4_000)
    assert torch.equal(network._forgotten(batch), batch.items)
    network.train()
    try:
        torch.manual_seed(0)
        kept = network._forgotten(batch)
        torch.manual_seed(0)
        assert torch.equal(network._forgotten(batch), kept), "one seed, one draw"
    finally:
        network.eval()
    forgotten = {owner for (owner, _), item in zip(steps, kept.tolist(), strict=True) if not item}
    assert kept.tolist() == [0 if owner in forgotten else item for owner, item in steps]
    assert len(forgotten) / 4_000 == pytest.approx(ITEMS_FORGOTTEN, abs=0.03)


def test_nothing_is_learned_about_items_that_are_not_known() -> None:
    events = [Event("course", "a", START + n, KNOWN[0], f"block-{'abd'[n % 3]}") for n in range(60)]
    network = Network(SIZE, InputConfig(KNOWN, KNOWN_ITEMS), 1)
    people = streams(EventTable.of(events).sequences("course"), network.input_config)
    steps = build(network.input_config, people, np.full(1, START), np.full(1, START + 2 * DAY))
    hidden, _ = network.hidden(to_batch(steps, network.input_config.event_tokens))
    hidden.sum().backward()
    assert network.items is not None
    gradient = network.items.weight.grad
    assert gradient is not None
    assert gradient.any(dim=1).tolist() == [False, True, False, False]
