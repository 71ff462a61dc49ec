"""Twelve lessons answer every question of the seed documents, each once."""

import re
import tomllib
from pathlib import Path

import pytest

from course.syllabus import Topic, earlier, topics

ROOT = Path(__file__).parents[2]
# Questions in each of the five documents; the second and third ask the same, and so do the first
# and the last.
QUESTIONS = {"S0": 12, "S1": 15, "S2": 15, "S3": 9, "S4": 12}
TWINS = {"S2": "S1", "S4": "S0"}


def homes() -> dict[str, str]:
    return {seed: topic.name for topic in topics().values() for seed in topic.seeds}


def test_the_course_has_twelve_topics_in_their_order() -> None:
    assert list(topics()) == [
        "activations",
        "gradient_descent",
        "convolution",
        "cnn_vs_dense",
        "pooling",
        "augmentation",
        "stability",
        "vgg",
        "inception",
        "resnet",
        "transfer",
        "metrics",
    ]


def test_a_name_stands_there_once() -> None:
    table = tomllib.loads((ROOT / "course/syllabus.toml").read_text())
    names = [entry["name"] for entry in table["topic"]]
    assert sorted(names) == sorted(set(names)) == sorted(topics())


def test_every_question_has_exactly_one_home() -> None:
    listed = [seed for topic in topics().values() for seed in topic.seeds]
    asked = [f"{file}.{n}" for file, count in QUESTIONS.items() for n in range(1, count + 1)]
    assert sorted(listed) == sorted(asked)


@pytest.mark.parametrize("seed", [seed for seed in homes() if seed[:2] in TWINS])
def test_a_question_that_is_asked_twice_has_one_home(seed: str) -> None:
    file, number = seed.split(".")
    assert homes()[seed] == homes()[f"{TWINS[file]}.{number}"]


def test_the_lessons_marked_as_written_are_those_with_a_text() -> None:
    written = {topic.name for topic in topics().values() if topic.written}
    assert written == {path.stem for path in (ROOT / "source").glob("*.py")}


@pytest.mark.parametrize("topic", topics().values(), ids=lambda topic: topic.name)
def test_a_topic_is_told_in_full(topic: Topic) -> None:
    assert re.fullmatch(r"[a-z_]+", topic.name)
    assert topic.title[0].isupper()
    assert 3 <= len(topic.objectives) <= 5
    # They continue the sentence "after this lesson you can ...".
    assert all(objective[0].islower() and objective[-1] != "." for objective in topic.objectives)
    assert topic.prerequisites
    least, most = topic.minutes
    assert 60 <= least < most <= 300
    named = set(topic.prerequisites) & topics().keys()
    assert named <= set(earlier(topic.name))
    # All but the first build on one of the course's own.
    assert named or topic.name == "activations"


def test_earlier_topics_are_those_above() -> None:
    assert earlier("activations") == []
    assert earlier("pooling") == [
        "activations",
        "gradient_descent",
        "convolution",
        "cnn_vs_dense",
    ]
    assert len(earlier("metrics")) == 11


def test_an_unknown_topic_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        ValueError, match=r"topic is 'lenet'; expected one of activations, .*metrics"
    ):
        earlier("lenet")
