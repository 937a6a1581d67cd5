from __future__ import annotations

import numpy as np

from heirloom.runtime.streams import Stream, step

PINNED_DRAWS = [0.8140616603211593, 0.4485404013922929]
PINNED_UNIFORMS = [[0.38428200953583525, 0.3697505453826395]]


def test_equal_names_give_equal_numbers_and_any_other_name_gives_others() -> None:
    first = step(0, "replace", 1, "train").generator().random(4)
    assert np.array_equal(first, step(0, "replace", 1, "train").generator().random(4))
    for stream in (
        step(1, "replace", 1, "train"),
        step(0, "keep", 1, "train"),
        step(0, "replace", 2, "train"),
        step(0, "replace", 1, "mix"),
    ):
        assert not np.array_equal(first, stream.generator().random(4))


def test_names_are_hashed_and_never_run_into_each_other() -> None:
    assert not np.array_equal(Stream((1, 23)).generator().random(3), Stream((12, 3)).generator().random(3))
    assert not np.array_equal(Stream(("1",)).generator().random(3), Stream((1,)).generator().random(3))


def test_the_first_draws_are_pinned_so_that_published_fingerprints_stay_valid() -> None:
    assert np.allclose(Stream((0, "pinned")).generator().random(2), PINNED_DRAWS, rtol=0, atol=0)
    assert np.allclose(Stream((0, "pinned")).uniforms(5, 1, 2), PINNED_UNIFORMS, rtol=0, atol=0)


def test_a_rows_uniforms_do_not_depend_on_which_rows_are_asked_for() -> None:
    stream = Stream((3, "rows"))
    uniforms = stream.uniforms(0, 10, 7)
    assert np.array_equal(uniforms[4:9], stream.uniforms(4, 5, 7))
    assert uniforms.shape == (10, 7)
    assert len(np.unique(uniforms)) == 70


def test_uniforms_are_uniform() -> None:
    uniforms = Stream((0, "uniform")).uniforms(0, 1000, 50)
    z = (uniforms.mean() - 0.5) / np.sqrt(1 / 12 / uniforms.size)
    assert abs(z) < 4
    assert 0 <= uniforms.min() < uniforms.max() < 1


def test_a_stream_from_a_row_on_gives_that_row_what_the_whole_stream_gives_it() -> None:
    stream = Stream((3, "rows"))
    later = stream.from_row(2).from_row(2)
    assert np.array_equal(later.uniforms(0, 5, 7), stream.uniforms(4, 5, 7))
    assert np.array_equal(later.child("tokens").uniforms(1, 2, 3), stream.child("tokens").uniforms(5, 2, 3))
    assert np.array_equal(later.generator().random(3), stream.generator().random(3))
