"""Generators: seeds, states that move between torch and rushlight, copies, and raw words."""

from __future__ import annotations

import contextlib
import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

from rushlight import random as ours
from tests.parity import parity


@pytest.mark.parametrize("seed", [0, 7, -1, 2**31, 2**32 + 5, 2**63, 2**64 - 1, -(2**63)])
def test_seeds(seed: int) -> None:
    torch.manual_seed(seed)
    ours.manual_seed(seed)
    assert ours.initial_seed() == torch.initial_seed()
    np.testing.assert_array_equal(ours.get_rng_state().numpy(), torch.get_rng_state().numpy())
    np.testing.assert_array_equal(ours.uniform((5,), np.dtype(np.float32)), torch.rand(5).numpy())


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_seeds_of_more_than_64_bits(seed: int) -> None:
    for manual_seed in (torch.manual_seed, ours.manual_seed, ours.Generator().manual_seed):
        with pytest.raises(ValueError, match="Overflow"):
            manual_seed(seed)


@pytest.mark.parametrize("seed", [1.5, True, "3"])
def test_a_generators_seed_is_an_int(seed: Any) -> None:
    for generator in (torch.Generator(), ours.Generator()):
        with pytest.raises(RuntimeError, match="expected a long"):
            generator.manual_seed(seed)
    # The function converts, as torch's does.
    assert ours.manual_seed(seed).initial_seed() == torch.manual_seed(seed).initial_seed()


def test_a_new_generator_has_torchs_seed_and_an_unseeded_process_has_its_own() -> None:
    assert ours.Generator().initial_seed() == torch.Generator().initial_seed()
    first, second = ours.seed(), ours.seed()
    assert first != second
    assert ours.initial_seed() == second


def test_reseeding_forgets_the_waiting_normal() -> None:
    for _ in range(2):
        torch.manual_seed(1)
        ours.manual_seed(1)
        mine = ours.normal((3,), np.dtype(np.float64))
        np.testing.assert_array_equal(mine, torch.randn(3, dtype=torch.float64).numpy())


@pytest.mark.parametrize("words", [0, 1, 5, 623, 624, 625, 2000])
def test_states_move_between_torch_and_here(words: int) -> None:
    theirs, mine = torch.Generator().manual_seed(9), ours.Generator().manual_seed(9)
    torch.rand(words, generator=theirs)
    mine.raw32(words)
    np.testing.assert_array_equal(mine.get_state().numpy(), theirs.get_state().numpy())
    torch.randn(3, generator=theirs)
    other = ours.Generator().set_state(theirs.get_state().numpy())
    back = torch.Generator().set_state(torch.from_numpy(other.get_state().numpy()))
    expected = torch.randn(6, generator=theirs)
    mine_then = ours.normal((6,), np.dtype(np.float32), generator=other)
    np.testing.assert_array_equal(mine_then, expected.numpy())
    np.testing.assert_array_equal(torch.randn(6, generator=back).numpy(), expected.numpy())


def test_copies_go_on_alone() -> None:
    generator = ours.Generator().manual_seed(4)
    ours.normal((3,), np.dtype(np.float32), generator=generator)
    copies = [
        generator.clone_state(),
        copy.copy(generator),
        copy.deepcopy(generator),
        pickle.loads(pickle.dumps(generator)),
    ]
    expected = ours.normal((5,), np.dtype(np.float32), generator=generator)
    for twin in copies:
        assert twin is not generator
        made = ours.normal((5,), np.dtype(np.float32), generator=twin)
        np.testing.assert_array_equal(made, expected)


def test_a_64_bit_draw_is_two_words_the_first_one_high() -> None:
    words = ours.Generator().raw32(20).astype(object)
    draws = ours.Generator().raw64(10).astype(object)
    np.testing.assert_array_equal(draws, words[::2] * 2**32 + words[1::2])


@pytest.mark.parametrize("count", [1, 255, 256, 5000])
def test_words_do_not_depend_on_how_many_are_asked_for(count: int) -> None:
    once, piecewise = ours.Generator(), ours.Generator()
    expected = np.concatenate([piecewise.raw32(1) for _ in range(count)])
    np.testing.assert_array_equal(once.raw32(count), expected)


def test_fork_rng() -> None:
    ours.manual_seed(2)
    with ours.fork_rng():
        inside = ours.default_generator.raw32(3)
    with contextlib.suppress(KeyError), ours.fork_rng(devices=[]):
        ours.default_generator.raw32(7)
        raise KeyError
    with ours.fork_rng(enabled=False):
        np.testing.assert_array_equal(ours.default_generator.raw32(3), inside)
    assert (ours.default_generator.raw32(3) != inside).any()


def test_the_device() -> None:
    assert str(ours.Generator().device) == "cpu"
    with pytest.raises(RuntimeError, match="device cuda"):
        ours.Generator("cuda")


def test_a_generator_that_is_none_is_refused_and_out_is_resized_in_silence():
    parity(
        """
        import warnings
        ones, places = torch.ones(2), torch.arange(3)
        refused = [
            attempt(lambda: f(generator))
            for generator in (3, "x", [])
            for f in (
                lambda g: torch.rand(2, generator=g), lambda g: torch.randn(2, generator=g),
                lambda g: torch.randint(3, (2,), generator=g), lambda g: torch.randperm(3, generator=g),
                lambda g: torch.bernoulli(ones, generator=g), lambda g: torch.poisson(ones, g),
                lambda g: torch.multinomial(ones, 1, generator=g), lambda g: ones.uniform_(generator=g),
                lambda g: torch.normal(ones, generator=g), lambda g: nn.init.normal_(ones, generator=g),
            )
        ]
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            made = [
                torch.zeros(2, out=torch.ones(3)), torch.eye(2, out=torch.ones(3)),
                torch.rand(2, out=torch.ones(3)), torch.bernoulli(ones, out=torch.ones(3)),
                torch.multinomial(ones, 1, out=places), torch.normal(0.0, 1.0, (2,), out=torch.ones(3)),
                torch.neg(ones, out=torch.ones(3)),
            ]
            count = len(heard)
        """
    )
