"""The licence is the same wherever a machine reads it; PROVENANCE.md says what it covers."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from tests.laws.reading import project

# The first line of LICENSE, by the name that SPDX gives the licence.
TITLES = {"BSD-3-Clause": "BSD 3-Clause License"}


def one_licence_everywhere(root: Path) -> list[str]:
    declared = project(root)
    cited = yaml.safe_load((root / "CITATION.cff").read_text())
    title = (root / "LICENSE").read_text().partition("\n")[0]
    ours = declared["license"]
    violations = [
        f"CITATION.cff: {key} is {cited.get(key)}, in pyproject.toml {declared[key]}"
        for key in ("license", "version")
        if str(cited.get(key)) != declared[key]
    ]
    if TITLES.get(ours) != title:
        violations.append(f"LICENSE begins with {title!r}; expected {TITLES.get(ours)!r}")
    if f"| {TITLES.get(ours, ours).removesuffix(' License')}" not in provenance(root):
        violations.append(f"PROVENANCE.md does not say what comes under {ours}")
    return violations


def what_is_not_code_has_a_provenance(root: Path) -> list[str]:
    """Weights, pictures and the like in the packages, which nobody can read for their origin."""
    told = provenance(root)
    return [
        f"PROVENANCE.md does not say where {path.relative_to(root)} comes from"
        for folder in ("autograder", "cnnlib", "course")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and path.suffix not in (".py", ".pyc", ".js", ".css", ".toml")
        if path.relative_to(root).as_posix() not in told
    ]


def provenance(root: Path) -> str:
    return (root / "PROVENANCE.md").read_text()


SOUND = {
    "LICENSE": "BSD 3-Clause License\n\nCopyright\n",
    "PROVENANCE.md": "| code | BSD 3-Clause |\n| cnnlib/glyphs.safetensors | BSD 3-Clause |\n",
    "CITATION.cff": "license: BSD-3-Clause\nversion: 0.1.0\n",
    "pyproject.toml": '[project]\nlicense = "BSD-3-Clause"\nversion = "0.1.0"\n',
    "cnnlib/glyphs.safetensors": "weights",
    "course/syllabus.toml": "",
}
LAWS = (one_licence_everywhere, what_is_not_code_has_a_provenance)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_repository_keeps_the_law(law: Callable[[Path], list[str]], repository: Path) -> None:
    assert law(repository) == []


@pytest.mark.parametrize(
    ("law", "path", "text", "violation"),
    [
        (LAWS[0], "LICENSE", "MIT License\n", "LICENSE begins with 'MIT License'"),
        (LAWS[0], "CITATION.cff", "license: MIT\nversion: 0.1.0\n", "license is MIT"),
        (LAWS[0], "CITATION.cff", "license: BSD-3-Clause\nversion: 0.2\n", "version is 0.2"),
        (
            LAWS[0],
            "PROVENANCE.md",
            "| code | MIT |\ncnnlib/glyphs.safetensors",
            "what comes under BSD-3-Clause",
        ),
        (LAWS[1], "course/datasets/cat.jpg", "miaow", "course/datasets/cat.jpg comes from"),
        (LAWS[1], "cnnlib/other.safetensors", "weights", "cnnlib/other.safetensors comes from"),
    ],
)
def test_a_planted_fault_breaks_the_law(
    law: Callable[[Path], list[str]],
    path: str,
    text: str,
    violation: str,
    plant: Callable[[Mapping[str, str]], Path],
) -> None:
    assert law(plant(SOUND)) == []
    (found,) = law(plant({path: text}))
    assert violation in found
