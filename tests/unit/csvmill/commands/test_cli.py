"""The command line itself: help, options, completion, the checks of `doctor`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from csvmill.cli import COMMANDS, main
from csvmill.commands import doctor
from csvmill.commands.completion import SHELLS
from csvmill.commands.doctor import CheckStatus
from csvmill.commands.jobs import age, jobs
from csvmill.commands.options import output_path

if TYPE_CHECKING:
    from pathlib import Path


def invoke(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.output


@pytest.mark.parametrize("command", [main.commands[name] for name in COMMANDS], ids=COMMANDS)
def test_every_command_has_help_with_an_example(command: click.Command) -> None:
    code, text = invoke(str(command.name), "--help")
    assert code == 0
    assert "Example" in text
    assert f"csvmill {command.name}" in text.partition("Example")[2]
    undescribed = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert undescribed == []


def test_the_help_lists_the_commands_in_their_order_and_a_wrong_one_gets_a_proposal() -> None:
    code, text = invoke("--help")
    assert code == 0
    listed = text.partition("Commands:")[2].partition("Exit codes")[0].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == list(COMMANDS)
    code, text = invoke("statsu", "id")
    assert (code, "status" in text) == (2, True)


def test_the_command_line_imports_no_client_and_no_service_before_a_command_needs_them() -> None:
    code = "import csvmill.commands.run, csvmill.cli, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "csvmill.cli" in loaded
    assert loaded.isdisjoint({"aiohttp", "pydantic", "rich", "stamina", "gateway", "processor"})


def test_the_client_of_a_run_imports_nothing_that_only_retries_keys_or_services_need() -> None:
    code = (
        "import csvmill.cli, csvmill.commands.run, sys\n"
        "from csvmill.client.loading import load_client\n"
        "load_client('http://127.0.0.1'); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "csvmill.client.async_client" in loaded
    assert loaded.isdisjoint(
        {"pydantic", "stamina", "tenacity", "shared.api.access", "shared.api.saved_spec",
         "shared.jobs.job", "shared.jobs.report", "shared.aggregation.resolve", "rich"}
    )  # fmt: skip


def test_misspelt_variables_are_named_once_on_standard_error_and_serve_leaves_them_to_its_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CSVMILL_SERVR", "http://127.0.0.1:1")
    monkeypatch.setenv("CSVMILL_API_KYE", "secret")
    done = CliRunner().invoke(main, ["completion", "bash"])
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        f"Warning: {wrong} is set, and there is no such setting; did you mean {right}?"
        for wrong, right in (
            ("CSVMILL_API_KYE", "CSVMILL_API_KEY"), ("CSVMILL_SERVR", "CSVMILL_SERVER")
        )
    ]  # fmt: skip
    assert "Warning" not in done.stdout
    assert CliRunner().invoke(main, ["serve", "--help"]).stderr == ""


def test_variables_that_the_command_line_knows_are_no_reason_to_warn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SERVER", "API_KEY", "API_KEY_FILE", "STATE_DIR", "TEST_KERNEL"):
        monkeypatch.setenv(f"CSVMILL_{name}", "x")
    done = CliRunner().invoke(main, ["completion", "bash"])
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_wrong_setting_of_serve_is_named_without_its_value_in_the_format_of_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log_format: str
) -> None:
    monkeypatch.setenv("CSVMILL_LEASE", "secret")
    monkeypatch.setenv("CSVMILL_LOG_FORMAT", log_format)
    code, output = invoke("serve", "--data-dir", str(tmp_path))
    said = json.loads(output)["message"] if log_format == "json" else output
    assert said.startswith("csvmill standalone: CSVMILL_LEASE: Input should be a valid number")
    assert (code, "secret" in output, "pydantic" in output) == (2, False, False)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("8388608", 8 << 20), ("8MiB", 8 << 20), ("8 mib", 8 << 20), ("8MB", 8_000_000),
     ("1GiB", 1 << 30), ("64KiB", 64 << 10), ("512K", 512 << 10), ("8M", 8 << 20), ("9b", 9)],
)  # fmt: skip
def test_a_size_may_have_a_unit(text: str, size: int) -> None:
    option = next(param for param in main.commands["run"].params if param.name == "chunk_size")
    assert option.process_value(click.Context(main.commands["run"]), text) == size


@pytest.mark.parametrize("text", ["0", "-1", "8XiB", "MiB", "1.5MiB", "", "8T", "٣"])
def test_an_invalid_size_is_refused(text: str, tmp_path: Path) -> None:
    plays = tmp_path / "plays.csv"
    plays.touch()
    code, output = invoke("run", str(plays), "-o", "x.csv", "--chunk-size", text)
    assert code == 2
    assert "or a size such as 512K or 8MiB" in output


def test_an_output_that_is_the_input_or_shares_standard_output_with_json_is_refused(
    tmp_path: Path,
) -> None:
    plays = tmp_path / "plays.csv"
    plays.write_text("a")
    code, output = invoke("run", str(plays), "-o", str(tmp_path / "." / "plays.csv"))
    assert (code, "is the input itself" in output) == (2, True)
    for command in (("run", str(plays)), ("download", "id")):
        code, output = invoke(*command, "-o", "-", "--json")
        assert (code, "both write to standard output" in output) == (2, True)
    assert plays.read_text() == "a"
    code, output = invoke("run", str(plays), "-o", str(tmp_path / "none" / "totals.csv"))
    assert (code, "create it first" in output) == (2, True)


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
def test_completion_offers_commands_options_and_states(typed: str, found: list[str]) -> None:
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
def test_every_jobs_subcommand_has_help_with_an_example(command: click.Command) -> None:
    name = next(name for name, each in jobs.commands.items() if each is command)
    code, text = invoke("jobs", name, "--help")
    assert code == 0
    assert f"csvmill {'jobs' if name == 'list' else command.name}" in text.partition("Example")[2]


def test_jobs_without_a_subcommand_is_jobs_list() -> None:
    for arguments in (("--limit", "0"), ("list", "--limit", "0")):
        code, output = invoke("jobs", *arguments)
        assert (code, "0 is not in the range x>=1" in output) == (2, True)
    code, output = invoke("jobs", "lisst")
    assert (code, "No such command 'lisst'" in output) == (2, True)


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=119), "1 h"),
        (timedelta(hours=47, minutes=59), "1 d"),
        (timedelta(days=400), "400 d"),
    ],
)
def test_the_age_of_a_job_is_shown_in_the_largest_unit_that_fits(
    ago: timedelta, expected: str
) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert age(now, (now - ago).isoformat().replace("+00:00", "Z")) == expected


def test_doctor_checks_versions_clocks_parts_and_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for theirs, expected in (("0.1.0", "ok"), ("0.1.9", "ok"), ("0.2.0", "warn"), (None, "warn")):
        assert doctor.versions("0.1.0", theirs).status == expected
    assert doctor.clock(59.0).status is CheckStatus.OK
    assert "ahead of" in doctor.clock(3600.0).found
    assert "behind" in doctor.clock(-3600.0).found
    assert doctor.clock(None).status is CheckStatus.WARN
    assert doctor.readiness("broker", "ok").status is CheckStatus.OK
    refused = doctor.readiness("broker", "connection refused")
    assert (refused.status, "broker" in (refused.remedy or "")) == (CheckStatus.FAIL, True)
    for state, remedy in {
        "the disk has space left for results only": "free space",
        "database: the disk is full; free some space": "free space",
        "database: cannot execute UPDATE in a read-only transaction": "primary server",
    }.items():
        assert remedy in (doctor.readiness("part", state).remedy or "")
    monkeypatch.setattr(doctor, "MIN_FREE_DISK", 0)
    assert doctor.disk(tmp_path).status is CheckStatus.OK
    monkeypatch.setattr(doctor, "MIN_FREE_DISK", 1 << 62)
    assert doctor.disk(tmp_path).status is CheckStatus.WARN


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
    code, output = invoke(*(there.get(each, each) for each in arguments), str(pipe))
    assert code == 2
    assert "is not a regular file" in " ".join(output.split())
    assert pipe.is_fifo()


def test_a_symbolic_link_as_output_is_resolved(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    command = click.Command("x")
    with click.Context(command) as context:
        parameter = click.Option(["-o"])
        assert output_path(context, parameter, tmp_path / "link") == tmp_path / "target"
        assert output_path(context, parameter, tmp_path / "plain") == tmp_path / "plain"


@pytest.mark.parametrize("command", ["run", "status"])
def test_an_invalid_server_url_is_refused(command: str, tmp_path: Path) -> None:
    (file := tmp_path / "plays.csv").write_text("Song,Date,Plays\na,b,1\n")
    rest = {"run": (str(file), "-o", str(tmp_path / "out.csv")), "status": ("job",)}[command]
    code, output = invoke(command, *rest, "--server", "mill.example:8000")
    assert code == 2
    assert "did you mean 'http://mill.example:8000'?" in " ".join(output.split())
