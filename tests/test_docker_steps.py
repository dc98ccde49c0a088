"""`.ci/image` takes each step of the Dockerfile, with all paths within a folder of its own."""

import importlib.machinery
import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ROOT

DOCKERFILE = ROOT / "docker" / "Dockerfile"


def load(name: str, patch: pytest.MonkeyPatch) -> ModuleType:
    """A program of .ci as a module."""
    patch.syspath_prepend(ROOT / ".ci")
    patch.setattr("sys.dont_write_bytecode", True)
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / ".ci" / name))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def reader(monkeypatch) -> ModuleType:
    return load("dockerfile.py", monkeypatch)


@pytest.fixture
def image(reader, tmp_path):
    """An image of which a file was laid out, in its first stage."""
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "given").write_text("")
    user = reader.User(os.getuid(), tmp_path)
    image = reader.Image(tmp_path, user, {})
    image.take(reader.Step("FROM", "${BASE} AS first"))
    return image


def take(reader: ModuleType, image, dockerfile: str) -> None:
    for step in reader.steps(dockerfile):
        image.take(step)


def test_each_instruction_of_the_dockerfile_is_known(reader) -> None:
    steps = reader.steps(DOCKERFILE.read_text())
    assert {step.name for step in steps} <= set(reader.TAKE)
    assert [step.name for step in steps].count("RUN") >= 6
    assert not any("\\" in step.words or "#" in step.words for step in steps)


def test_a_step_over_several_lines_is_one_without_its_comments(reader) -> None:
    text = "FROM a\n# why\nRUN one && \\\n# within\n    two\n"
    assert reader.steps(text) == [("FROM", "a"), ("RUN", "one && two")]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("pip wheel --wheel-dir /wheel .", "pip wheel --wheel-dir ROOT/wheel ."),
        ('"$(echo /wheel/*.whl)[$EXTRAS]"', '"$(echo ROOT/wheel/*.whl)[$EXTRAS]"'),
        ("-c /constraints.txt torch", "-c ROOT/constraints.txt torch"),
        ("/opt/qa_sweep/bin:$PATH", "ROOT/opt/qa_sweep/bin:$PATH"),
        ("https://download.pytorch.org/whl/cpu", "https://download.pytorch.org/whl/cpu"),
        ("docker/with-secrets", "docker/with-secrets"),
    ],
)
def test_an_absolute_path_leads_into_the_folder_and_nothing_else_does(image, text, inside) -> None:
    assert image.inside(text) == inside.replace("ROOT", str(image.root))


def test_a_stage_has_what_was_copied_from_another_one_and_nothing_else(reader, image) -> None:
    take(
        reader,
        image,
        """
ARG WORD=said
RUN mkdir /made && echo "$WORD" >/made/file && touch /left
FROM base
WORKDIR /here
COPY --chmod=0555 given taken
COPY --from=first /made /made
ENV PLACE=/made/file
RUN cat "$PLACE" taken >copied
""",
    )
    assert (image.root / "here/copied").read_text() == "said\n"
    assert (image.root / "here/taken").stat().st_mode & 0o777 == 0o555
    assert not (image.root / "left").exists()


def test_what_only_root_may_do_is_left_out_and_said(reader, image, capsys) -> None:
    take(reader, image, "RUN useradd --uid 1 somebody && touch /made")
    assert not (image.root / "made").exists()
    assert "left out, as only root may" in capsys.readouterr().out


def test_a_step_that_fails_ends_all_with_what_it_said(reader, image) -> None:
    with pytest.raises(SystemExit, match=r"(?s)no room.*exit code 3"):
        take(reader, image, "RUN echo no room; exit 3")
    with pytest.raises(KeyError):
        take(reader, image, "ONBUILD RUN true")


def test_what_dockerignore_lets_through_is_laid_out(monkeypatch, tmp_path: Path) -> None:
    program = load("image", monkeypatch)
    program.lay_out(tmp_path)
    allowed = program.allowed((ROOT / ".dockerignore").read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        {name.partition("/")[0] for name in allowed}
    )
    assert (tmp_path / "conf" / "sweeps" / "grid.yaml").is_file()
    assert not list(tmp_path.rglob("__pycache__"))
