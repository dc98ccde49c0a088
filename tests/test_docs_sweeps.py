"""The runs and sweeps that the docs have people type, on few questions, end with a score."""

import re
from pathlib import Path

import pytest
from docs_files import write_files
from docs_typed import Told, follow, other_pages, trains

# One group, since all of them are given in one folder; minutes, where the machine has other work.
pytestmark = [
    pytest.mark.servers,
    pytest.mark.xdist_group("docs"),
    pytest.mark.timeout(900),
]

MAIN = ["qa_sweep", "-m"]
SWEEPS = {" ".join(words): words for words in other_pages() if trains(words)}
OF_SEVERAL = {" ".join(words): words for words in other_pages() if "OTHER" in words}
ALL = {" ".join(MAIN): MAIN} | SWEEPS | OF_SEVERAL


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, Told]:
    folder: Path = tmp_path_factory.mktemp("sweeps")
    write_files(folder)
    return dict(zip(ALL, follow(list(ALL.values()), folder), strict=True))


def test_there_are_sweeps_in_the_docs() -> None:
    assert len(SWEEPS) >= 15
    assert len(OF_SEVERAL) >= 1


@pytest.mark.parametrize("command", SWEEPS)
def test_each_run_and_sweep_of_the_docs_ends_with_a_score(command, told) -> None:
    assert told[command].code == 0, told[command].complaints
    assert re.search(r"\bf1 \d", told[command].output)


@pytest.mark.parametrize("command", OF_SEVERAL)
def test_a_command_about_several_studies_names_each(command, told) -> None:
    assert told[command].code == 0, told[command].complaints
    assert all(name in told[command].output for name in ("STUDY", "OTHER"))
