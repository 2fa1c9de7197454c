"""The file in which Prometheus finds a run: what is in it meanwhile, at the end, and when it can't be written."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tryon_service.batch.metrics_file import EVERY, MetricsFile, open_metrics
from tryon_service.batch.progress import Progress
from tryon_service.batch.worker import Done
from tryon_service.errors import InputError, UnavailableError

NOW = 1_800_000_000.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def read(file: Path) -> dict[tuple[str, ...], float]:
    """Value by name and labels other than run."""
    families = text_string_to_metric_families(file.read_text())
    found = {}
    for one in (sample for family in families for sample in family.samples):
        assert one.labels["run"] == file.stem
        found[one.name, *(value for label, value in sorted(one.labels.items()) if label != "run")] = one.value
    return found


def state(file: Path) -> list[str]:
    return [key[1] for key, value in read(file).items() if key[0] == "tryon_batch_state" and value]


def test_a_run_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "spring-cards.prom"
    with MetricsFile(file, clock) as metrics:
        assert state(file) == ["running"]
        assert read(file)["tryon_batch_start_timestamp_seconds",] == NOW
        progress = Progress(5)
        progress.metrics = metrics
        progress.add(Done("a", ("rendered", "refused"), kept=1))
        assert ("tryon_batch_items",) not in read(file), "not written at every item"
        clock.now += EVERY
        progress.add(Done("b", ("rendered",)))
        found = read(file)
        assert found["tryon_batch_items",] == 5
        assert found["tryon_batch_items_done",] == 3
        assert found["tryon_batch_items_kept",] == 1
        assert found["tryon_batch_rows", "rendered"] == 2
        assert found["tryon_batch_rows", "failed"] == 0
        assert found["tryon_batch_progress_timestamp_seconds",] == NOW + EVERY
        progress.add(Done("c", ("failed", "doubtful")))
        metrics.complete()
    assert state(file) == ["complete"]
    assert read(file)["tryon_batch_items_done",] == 5, "the last items are in it too"
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("error", "ends"),
    [(None, "stopped"), (KeyboardInterrupt(), "stopped"), (UnavailableError("storage_full"), "failed")],
)
def test_a_run_that_ends_early_says_how(tmp_path: Path, error: BaseException | None, ends: str) -> None:
    file = tmp_path / "cards.prom"

    def run() -> None:
        with MetricsFile(file):
            if error is not None:
                raise error

    if error is None:
        run()
    else:
        with pytest.raises(type(error)):
            run()
    assert state(file) == [ends]


@pytest.mark.parametrize("name", ["cards.txt", "cards", ".prom", "my cards.prom", "c" * 65 + ".prom", 'a"b.prom'])
def test_a_name_that_the_collector_would_not_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="64 letters") as caught:
        MetricsFile(tmp_path / name)
    assert caught.value.field == "--metrics-file"


def test_a_folder_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="can't be written: No such file") as caught,
        MetricsFile(tmp_path / "a" / "b.prom"),
    ):
        pytest.fail("the run has begun")
    assert caught.value.field == "--metrics-file"


def test_a_folder_that_vanishes_stops_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "textfiles"
    folder.mkdir()
    clock = Clock()
    with caplog.at_level(logging.WARNING), MetricsFile(folder / "cards.prom", clock) as metrics:
        (folder / "cards.prom").unlink()
        folder.rmdir()
        clock.now += EVERY
        metrics.note(2, 1, 0, {"rendered": 1})
    assert len([one for one in caplog.messages if "can't be written" in one]) == 2


def test_a_clock_that_was_set_back_doesnt_silence_it(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "cards.prom"
    with MetricsFile(file, clock) as metrics:
        clock.now -= 3600.0
        metrics.note(2, 1, 0, {"rendered": 1})
        assert read(file)["tryon_batch_items_done",] == 1


def test_who_wants_none_gets_none(tmp_path: Path) -> None:
    with open_metrics(None) as metrics:
        metrics.note(2, 1, 0, {})
        metrics.complete()
    assert list(tmp_path.iterdir()) == []
