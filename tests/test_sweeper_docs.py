"""The page about the sweeper: its app runs, and every setting is described."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

from conftest import ROOT, run

PAGE = (ROOT / "docs" / "sweeper.md").read_text()


def block(language: str, after: str) -> str:
    """The first block of code in `language` that stands below the words `after`."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE[PAGE.index(after) :], re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_app_of_the_page_runs_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text(block("yaml", "five lines of YAML"))
    (tmp_path / "app.py").write_text(block("python", "The task, `app.py`"))
    grid, search, dry_run = (
        run(shlex.split(line)[1:], tmp_path)
        for line in re.findall(
            r"^python app\.py -m .*$", PAGE.split("## Settings")[0], re.MULTILINE
        )
    )
    assert grid.returncode == search.returncode == dry_run.returncode == 0, search.stderr
    assert "best: trial 7" in grid.stdout
    assert search.stdout.count("pruned") > 0
    assert "18 trials would run" in dry_run.stdout
    assert len(list((tmp_path / "results").glob("app-*"))) == 2


def test_the_settings_of_the_sweeper_are_all_described() -> None:
    from hydra_plugins.optuna5_sweeper.sweeper import Optuna5SweeperConf

    for field in fields(Optuna5SweeperConf):
        if not field.name.startswith("_"):
            assert f"`{field.name}`" in PAGE, field.name
