"""The command line itself: help, options, completion, what doctor finds."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from csvmill.cli import COMMANDS, main
from csvmill.commands import doctor
from csvmill.commands.completion import SHELLS
from csvmill.commands.doctor import Verdict
from csvmill.commands.job_list import age, jobs
from csvmill.commands.options import output_path

if TYPE_CHECKING:
    from pathlib import Path


def invoke(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.output


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help_with_an_example(command: click.Command) -> None:
    code, text = invoke(str(command.name), "--help")
    assert code == 0
    assert "Example" in text
    assert f"csvmill {command.name}" in text.partition("Example")[2]
    undescribed = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert undescribed == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("8388608", 8 << 20), ("8MiB", 8 << 20), ("8 mib", 8 << 20), ("8MB", 8_000_000),
     ("1GiB", 1 << 30), ("64KiB", 64 << 10)],
)  # fmt: skip
def test_sizes_are_read_with_their_units(text: str, size: int) -> None:
    option = next(param for param in main.commands["run"].params if param.name == "chunk_size")
    assert option.process_value(click.Context(main.commands["run"]), text) == size


@pytest.mark.parametrize("text", ["0", "-1", "8XiB", "MiB", "1.5MiB", "", "8M", "٣"])
def test_what_is_no_size_is_refused(text: str, tmp_path: Path) -> None:
    plays = tmp_path / "plays.csv"
    plays.touch()
    code, said = invoke("run", str(plays), "-o", "x.csv", "--chunk-size", text)
    assert code == 2
    assert "give bytes, or 8MiB" in said


def test_a_run_onto_its_own_input_or_with_two_answers_on_one_stream_is_refused(
    tmp_path: Path,
) -> None:
    plays = tmp_path / "plays.csv"
    plays.write_text("a")
    code, said = invoke("run", str(plays), "-o", str(tmp_path / "." / "plays.csv"))
    assert (code, "is the input itself" in said) == (2, True)
    for command in (("run", str(plays)), ("download", "id")):
        code, said = invoke(*command, "-o", "-", "--json")
        assert (code, "--json answers on standard output" in said) == (2, True)
    assert plays.read_text() == "a"
    code, said = invoke("run", str(plays), "-o", str(tmp_path / "none" / "totals.csv"))
    assert (code, "make it first" in said) == (2, True)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_a_script_for_the_shell(shell: str) -> None:
    code, script = invoke("completion", shell)
    assert code == 0
    assert "_CSVMILL_COMPLETE" in script
    if shell == "bash":
        subprocess.run(["bash", "-n", "-c", script], check=True, timeout=10)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("do", ["download", "doctor"]),
        ("jobs s", ["show"]),
        ("jobs --st", ["--state"]),
        ("jobs --state fa", ["failure"]),
        ("jobs list --state=fa", ["failure"]),
    ],
)
def test_completion_knows_commands_options_and_states(typed: str, found: list[str]) -> None:
    words = f"csvmill {typed}"
    done = CliRunner().invoke(
        main, [], prog_name="csvmill",
        env={
            "_CSVMILL_COMPLETE": "bash_complete", "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        },
    )  # fmt: skip
    assert done.output.split() == [f"plain,{each}" for each in found]


@pytest.mark.parametrize("command", jobs.commands.values(), ids=lambda command: command.name)
def test_every_command_about_jobs_has_help_with_an_example(command: click.Command) -> None:
    name = next(name for name, each in jobs.commands.items() if each is command)
    code, text = invoke("jobs", name, "--help")
    assert code == 0
    assert f"csvmill {'jobs' if name == 'list' else command.name}" in text.partition("Example")[2]


def test_jobs_alone_is_jobs_list() -> None:
    for arguments in (("--limit", "0"), ("list", "--limit", "0")):
        code, said = invoke("jobs", *arguments)
        assert (code, "0 is not in the range x>=1" in said) == (2, True)
    code, said = invoke("jobs", "lisst")
    assert (code, "No such command 'lisst'" in said) == (2, True)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=119), "1 h"),
        (timedelta(hours=47, minutes=59), "1 d"),
        (timedelta(days=400), "400 d"),
    ],
)
def test_the_age_of_a_job_is_in_the_largest_unit_that_fits(ago: timedelta, said: str) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert age(now, (now - ago).isoformat().replace("+00:00", "Z")) == said


def test_doctor_judges_versions_clocks_parts_and_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for theirs, verdict in (("0.1.0", "ok"), ("0.1.9", "ok"), ("0.2.0", "warn"), (None, "warn")):
        assert doctor.compared("0.1.0", theirs).verdict == verdict
    assert doctor.clock(59.0).verdict is Verdict.OK
    assert "ahead of" in doctor.clock(3600.0).found
    assert "behind" in doctor.clock(-3600.0).found
    assert doctor.clock(None).verdict is Verdict.WARN
    assert doctor.readiness("broker", "ok").verdict is Verdict.OK
    refused = doctor.readiness("broker", "connection refused")
    assert (refused.verdict, "broker" in (refused.remedy or "")) == (Verdict.FAIL, True)
    monkeypatch.setattr(doctor, "LITTLE", 0)
    assert doctor.disk(tmp_path).verdict is Verdict.OK
    monkeypatch.setattr(doctor, "LITTLE", 1 << 62)
    assert doctor.disk(tmp_path).verdict is Verdict.WARN


@pytest.mark.parametrize(
    "arguments",
    [("run", "FILE", "-o"), ("download", "JOB", "-o"), ("run", "FILE", "-o", "OUT", "--rejects")],
    ids=" ".join,
)
def test_an_output_never_replaces_a_device_or_a_pipe(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "plays.csv").write_text("Song,Date,Plays\na,b,1\n")
    os.mkfifo(pipe := tmp_path / "pipe")
    there = {"FILE": str(tmp_path / "plays.csv"), "OUT": str(tmp_path / "out.csv")}
    code, said = invoke(*(there.get(each, each) for each in arguments), str(pipe))
    assert code == 2
    assert "is no regular file" in " ".join(said.split())
    assert pipe.is_fifo()


def test_an_output_that_is_a_link_is_what_the_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    command = click.Command("x")
    with click.Context(command) as context:
        parameter = click.Option(["-o"])
        assert output_path(context, parameter, tmp_path / "link") == tmp_path / "target"
        assert output_path(context, parameter, tmp_path / "plain") == tmp_path / "plain"


@pytest.mark.parametrize("command", ["run", "status"])
def test_what_is_no_url_of_a_server_is_refused_at_once(command: str, tmp_path: Path) -> None:
    (file := tmp_path / "plays.csv").write_text("Song,Date,Plays\na,b,1\n")
    rest = {"run": (str(file), "-o", str(tmp_path / "out.csv")), "status": ("job",)}[command]
    code, said = invoke(command, *rest, "--server", "mill.example:8000")
    assert code == 2
    assert "did you mean 'http://mill.example:8000'?" in " ".join(said.split())
