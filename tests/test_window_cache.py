"""The window cache: the same windows without a tokenizer's work, whatever happens to the folder."""

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, environment
from qa_helpers import bert_like, example
from transformers import PreTrainedTokenizerFast

from qa_sweep.config import EmbeddedData, TinyModel
from qa_sweep.data import load_examples, prepare, window_cache
from qa_sweep.data.window_cache import FOLDER_VARIABLE, WindowCache, cache_folder
from qa_sweep.data.window_key import tokenizer_key, window_key
from qa_sweep.errors import ModelError
from qa_sweep.prepared import prepare_splits
from qa_sweep.qa.example import Example
from qa_sweep.qa.windows import Windows

TOKENIZER = bert_like()
N_SETS = 6
EXAMPLES = [example("London"), example(None, "Who?"), example("naïve café", "Quel café?")]
# Four processes that make the same windows at the same moment, then again where each removes what
# the others have made.
PREPARE = r"""
import sys
from multiprocessing import get_context
from pathlib import Path
from qa_helpers import example
from qa_sweep.data.window_cache import LIMIT_BYTES, WindowCache
from transformers import PreTrainedTokenizerFast

fork = get_context("fork")
together = fork.Barrier(4)

def prepare(n_sets):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(sys.argv[1])
    for folder, limit in ((sys.argv[2], LIMIT_BYTES), (sys.argv[3], 6000)):
        for i in range(n_sets):
            together.wait()
            made = WindowCache(tokenizer, Path(folder), limit)
            found = made.prepare([example("London", question=f"Who {i}?")], 64, 12, True)
            print(f"{i} {found.input_ids.tolist()}\n", end="", flush=True)  # a line is one write

with fork.Pool(4) as pool:
    pool.map(prepare, [int(sys.argv[4])] * 4, chunksize=1)
"""


def equal(windows: Windows, others: Windows) -> bool:
    return all(
        np.array_equal(array, getattr(others, name)) and array.dtype == getattr(others, name).dtype
        for name, array in vars(windows).items()
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "windows"


@pytest.fixture
def no_tokenizing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, windows that are not in the folder are an error."""

    def forbid() -> None:
        def refuse(*_: object) -> None:
            raise AssertionError("windows were made again")

        monkeypatch.setattr(window_cache, "find_windows", refuse)

    return forbid


def kept(folder: Path, examples: list[Example] = EXAMPLES) -> Windows:
    return WindowCache(TOKENIZER, folder).prepare(examples, 64, 12, mark_overlap=True)


def test_windows_of_the_cache_are_those_that_were_made(folder, no_tokenizing):
    expected = prepare(EXAMPLES, TOKENIZER, 64, 12, mark_overlap=True)
    assert equal(kept(folder), expected)
    no_tokenizing()
    found = kept(folder)
    assert equal(found, expected)
    assert found.input_ids.flags.writeable


def test_what_four_processes_made_at_once_is_whole_and_found_by_another(
    folder, tmp_path, no_tokenizing
):
    TOKENIZER.save_pretrained(tmp_path / "model")
    tests = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    folders = [str(path) for path in (tmp_path / "model", folder, tmp_path / "bounded")]
    command = [sys.executable, "-c", PREPARE, *folders, str(N_SETS)]
    done = subprocess.run(
        command, env=environment() | tests, check=True, timeout=240, capture_output=True, text=True
    )
    assert done.stderr == "", "an entry was damaged, or could not be kept"
    sets = [[example("London", question=f"Who {i}?")] for i in range(N_SETS)]
    expected = [prepare(examples, TOKENIZER, 64, 12, mark_overlap=True) for examples in sets]
    told = [f"{i} {windows.input_ids.tolist()}" for i, windows in enumerate(expected)]
    assert sorted(done.stdout.splitlines()) == sorted(told * 4 * 2)
    assert len(list(folder.iterdir())) == N_SETS
    assert 0 < len(list((tmp_path / "bounded").iterdir())) < N_SETS
    no_tokenizing()
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path / "model")
    for examples, windows in zip(sets, expected, strict=True):
        assert equal(WindowCache(again, folder).prepare(examples, 64, 12, True), windows)


def test_cut_questions_are_warned_of_each_time(folder, no_tokenizing):
    long = [example("London", question="Where was Ada born? " * 20)]
    with pytest.warns(UserWarning, match="1 of 1 questions are longer"):
        kept(folder, long)
    no_tokenizing()
    with pytest.warns(UserWarning, match="1 of 1 questions are longer"):
        kept(folder, long)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:3],
        lambda content: content[:-40],
        lambda content: content[:500] + bytes([content[500] ^ 1]) + content[501:],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"\x80" + content[1:],
        lambda content: content + b"more",
    ],
    ids=["empty", "short", "cut", "one bit", "checksum", "no array", "longer"],
)
def test_a_damaged_entry_is_made_again_with_a_line_in_the_log(
    folder, damage, caplog, no_tokenizing
):
    expected = kept(folder)
    (entry,) = folder.iterdir()
    entry.write_bytes(damage(entry.read_bytes()))
    assert equal(kept(folder), expected)
    assert [record.message.split(" (")[0] for record in caplog.records] == [
        f"windows in {entry} are damaged"
    ]
    no_tokenizing()
    assert equal(kept(folder), expected)


def test_a_folder_that_cannot_be_written_costs_one_line(tmp_path, caplog):
    (tmp_path / "file").touch()
    cache = WindowCache(TOKENIZER, tmp_path / "file" / "windows")
    for _ in range(2):
        assert equal(cache.prepare(EXAMPLES, 64, 12), prepare(EXAMPLES, TOKENIZER, 64, 12))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"cannot be kept in {tmp_path / 'file' / 'windows'} (Not a directory)" in record.message
    assert FOLDER_VARIABLE in record.message


def test_what_was_used_longest_ago_goes_first(folder):
    sets = [[replace(each, question=f"Who {i}?") for each in EXAMPLES] for i in range(4)]
    for hour, examples in enumerate(sets[:3]):
        before = set(folder.iterdir()) if folder.exists() else set()
        kept(folder, examples)
        (entry,) = set(folder.iterdir()) - before
        os.utime(entry, (3600 * hour, 3600 * hour))
    size = entry.stat().st_size
    kept(folder, sets[0])  # now used last
    WindowCache(TOKENIZER, folder, limit_bytes=3 * size + 100).prepare(sets[3], 64, 12, True)
    names = {window_key(each, tokenizer_key(TOKENIZER), 64, 12, True) for each in sets}
    gone = window_key(sets[1], tokenizer_key(TOKENIZER), 64, 12, True)
    assert {path.name for path in folder.iterdir()} == names - {gone}


def test_the_folder_is_the_users_choice(monkeypatch, tmp_path):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path.home() / ".cache" / "qa_sweep" / "windows"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "qa_sweep" / "windows"
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine" / "windows"
    monkeypatch.setenv(FOLDER_VARIABLE, "off")
    assert cache_folder() is None
    monkeypatch.setenv(FOLDER_VARIABLE, "~nobody-of-that-name/cache")
    assert cache_folder() is None


def test_without_a_folder_nothing_is_kept():
    windows = WindowCache(TOKENIZER, None).prepare(EXAMPLES, 64, 12)
    assert equal(windows, prepare(EXAMPLES, TOKENIZER, 64, 12))


def test_a_tokenizer_that_is_not_fast_is_refused(folder):
    class Slow:
        is_fast = False

    with pytest.raises(ModelError, match="must be a fast one"):
        WindowCache(Slow(), folder)


def test_both_splits_of_a_run_come_from_the_cache(monkeypatch, tmp_path, no_tokenizing):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    data, model = EmbeddedData(n_train=20, n_eval=10, seed=7), TinyModel(vocabulary_size=200)
    first = prepare_splits(model, data, load_examples(data))
    no_tokenizing()
    # Another object of the same examples, as another process has it.
    with warnings.catch_warnings(action="error"):
        second = prepare_splits(model, data, replace(load_examples(data)))
    assert first.train is not second.train
    assert equal(first.train.windows, second.train.windows)
    assert equal(first.held_out.windows, second.held_out.windows)
