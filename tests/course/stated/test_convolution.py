"""Numbers that the text of convolution states."""

from tests.course.stating import Measured, played, stated


def test_a_dense_network_fails_on_digits_that_moved_by_a_pixel(measured: Measured) -> None:
    stated("convolution", "right 95 times in 100", "about 40 times")
    found = played("convolution", "dense_in_places")
    measured("middle", found["accuracy"](found["dense"], found["test"]), at_least=0.93)
    measured("nine places", found["accuracy"](found["dense"], found["moved"]), at_most=0.5)


def test_only_who_shares_to_the_end_reads_digits_that_moved(measured: Measured) -> None:
    stated("convolution", "Neither helps with digits that moved", "63,504 weights to 4,900 and to")
    for name, (middle, places) in played("convolution", "four_networks")["measured"].items():
        measured(f"{name}, middle", middle, at_least=0.9)
        if name == "shared to the end":
            measured(f"{name}, places", abs(middle - places), at_most=1e-9)
        else:
            measured(f"{name}, places", places, at_most=0.55)


def test_a_network_of_the_students_code_has_torchs_loss_and_reads_moved_digits(
    measured: Measured,
) -> None:
    stated("convolution", "difference is below a thousand-millionth", "less than a quarter of the")
    found = played("convolution", "own_code", "equal_losses", "mended")
    measured("difference of the losses", found["gap"], at_most=1e-9)
    measured("first loss", abs(found["losses"]["torch"][0] - 2.3026), at_most=0.3)
    middle, places = (found["accuracy"](found["net"], found[where]) for where in ("test", "moved"))
    measured("middle", middle, at_least=0.94)
    measured("places", abs(middle - places), at_most=1e-9)
    parameters = sum(p.numel() for p in found["net"].parameters())
    assert parameters < (100 * 64 + 64 + 64 * 10 + 10) / 4
