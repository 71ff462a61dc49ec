"""A map follows moves by multiples of the strides' product, and no others."""

import pytest

from course.equivariance import off_by


@pytest.mark.parametrize("strides", [[1], [2], [3], [2, 2], [2, 3, 2]])
def test_a_map_follows_the_jump_of_its_layers_and_no_smaller_move(strides: list[int]) -> None:
    jump = 1
    for stride in strides:
        jump *= stride
    assert off_by(strides, step=jump, seed=0) < 1e-4
    assert off_by(strides, step=0, seed=1) == 0
    for step in range(1, jump):
        assert off_by(strides, step=step, seed=0) > 0.1


def test_seeds_draw_other_kernels() -> None:
    assert off_by([2], step=1, seed=0) != off_by([2], step=1, seed=1)
