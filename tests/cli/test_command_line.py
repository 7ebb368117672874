import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import wearfm
from tests.recordings import channel, ramp, recording
from wearfm.cli import VERBS, main
from wearfm.store import Store


def _run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    created = Store.create(tmp_path / "store")
    created.commit([recording("a", "1", channel(ramp(20))), recording("b", "1", channel(ramp(30, first=3)))])
    return tmp_path / "store"


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--help") == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in VERBS)


def test_every_verb_has_a_file_of_its_own() -> None:
    folder = Path(sys.modules["wearfm.cli"].__file__ or "").parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__", "terminal"} == set(VERBS)


def test_help_does_not_import_what_it_does_not_need() -> None:
    code = "import sys, wearfm.cli as c; c.main(['--help']); sys.exit(len({'torch', 'numpy', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_an_unknown_verb_is_one_line_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("prepear") == 2
    assert capsys.readouterr().err == "wearfm: verb 'prepear' is not known; did you mean 'prepare'?\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("store", "info", "nowhere"), "nowhere holds no store"),
        (("inspect", "nowhere"), "nowhere does not exist"),
        (("prepare", "nowhere", "-o", "store"), "source nowhere does not exist"),
        (("prepare", "-o", "store"), "no source was named"),
        (("prepare", ".", "--dataset", "ppgbp"), "did you mean 'ppg_bp'"),
        (("recipes", "normwaer"), "did you mean 'normwear'"),
        (("pretrain", "normwaer", "store"), "did you mean 'normwear'"),
        (("pretrain", "normwear", "nowhere"), "nowhere holds no store"),
        (("pretrain", "normwear", "store", "--preset", "smal"), "did you mean 'small'"),
        (("pretrain", "distillation", "store"), "learns from a pretrained teacher; use wearfm distil TEACHER STORE"),
        (("distil", "nowhere", "store"), "neither a checkpoint nor a run"),
        (("embed", "normwaer", "store"), "holds no store"),
        (("evaluate", "nowhere.parquet"), "is not an embedding table"),
        (("evaluate",), "no embedding table was named"),
    ],
)
def test_mistakes_are_one_line_and_a_code(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(*words) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.startswith("wearfm: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_wrong_options_leave_with_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        _run("store", "info", "x", "--jsn")
    assert left.value.code == 2
    assert "--json" in capsys.readouterr().err


def test_store_info_for_machines(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("store", "info", store, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["participants"], found["recordings"]) == (2, 2)
    assert found["modalities"]["ppg"]["rates_hz"] == [10.0]


def test_store_info_for_people(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("store", "info", store) == 0
    assert "2 participants, 2 recordings" in capsys.readouterr().out
    assert _run("store", "recordings", store) == 0
    assert "relative" not in capsys.readouterr().out


def test_verify_finds_a_flipped_bit(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("store", "verify", store) == 0
    (shard,) = (store / "shards").glob("*.arrow")
    shard.chmod(0o644)
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(bytes(content))
    assert _run("store", "verify", store) == 1
    assert shard.name in capsys.readouterr().out


def test_recipes_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("recipes", "--json") == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert "normwear" in names
    assert _run("recipes", "normwear", "--json") == 0
    assert json.loads(capsys.readouterr().out)["paper"]["depth"] == 12


def test_interruption_has_its_own_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(words: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("wearfm.cli.recipes.run", interrupt)
    assert _run("recipes") == 130
    assert "run the same command to go on" in capsys.readouterr().err


def test_a_disk_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(words: object) -> int:
        raise OSError(28, "No space left on device", "store/x")

    monkeypatch.setattr("wearfm.cli.recipes.run", fail)
    assert _run("recipes") == 2
    assert capsys.readouterr().err == "wearfm: store/x: No space left on device; check the path, its rights and the disk\n"


def test_a_reader_that_leaves_early_is_no_mistake() -> None:
    done = subprocess.run(
        f"{sys.executable} -m wearfm --help | head -n 1", shell=True, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


@pytest.mark.slow
def test_the_whole_way_on_a_small_cohort(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """synth, pretrain, embed, evaluate: each verb takes what the one before has made."""
    store, run, table = tmp_path / "store", tmp_path / "run", tmp_path / "t.parquet"
    cohort = ("--num-participants", 9, "--num-sessions", 1, "--session-hours", 0.2, "--modalities", "ppg", "acc")
    assert _run("synth", "-o", store, *cohort, "--json") == 0
    assert json.loads(capsys.readouterr().out)["tally"]["recordings"] == 9
    training = ("--training.steps", 2, "--training.batch-size", 8, "--training.workers", 0)
    assert _run("pretrain", "normwear", store, "-o", run, *training, "--config.depth", 2) == 0
    assert _run("embed", run, store, "-o", table, "--stride-s", 60, "--json") == 0
    capsys.readouterr()
    tasks = ("--tasks", "synthetic_heart_rate", "synthetic_activity")
    assert _run("evaluate", table, "--store", store, *tasks, "-o", tmp_path / "report", "--folds", 3) == 0
    assert "report.html" in capsys.readouterr().out
    assert (tmp_path / "report" / "report.html").stat().st_size > 10_000
    assert json.loads((tmp_path / "report" / "report.json").read_text())


@pytest.mark.slow
def test_a_method_of_two_stages_is_pretrained_stage_by_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, first, second = tmp_path / "store", tmp_path / "distance", tmp_path / "encoder"
    cohort = ("--num-participants", 3, "--num-sessions", 1, "--session-hours", 0.1, "--modalities", "acc")
    assert _run("synth", "-o", store, *cohort) == 0
    size = ("--config.widths", 8, 8, "--config.repeats", 1, 1, "--config.kernels", 3, 3, "--config.candidates", 2)
    short = ("--training.steps", 2, "--training.batch-size", 4, "--training.workers", 0, "--training.validation-share", 0)
    assert _run("pretrain", "relcon", store, "-o", first, *size, *short, "--config.stage", "distance") == 0
    call = ("pretrain", "relcon", store, "-o", second, *size, *short, "--config.distance", "learned")
    capsys.readouterr()
    assert _run(*call) == 2
    assert "has no trained distance" in capsys.readouterr().err
    assert _run(*call, "--after", first) == 0
    trained, taken = wearfm.load(first).state_dict(), wearfm.load(second).state_dict()
    assert all(torch.equal(taken[key], value) for key, value in trained.items() if key.startswith("motif."))
    assert _run("pretrain", "harnet", store, "-o", tmp_path / "other", *short, "--after", first) == 2
    assert "harnet has no earlier stage that relcon could be" in capsys.readouterr().err
