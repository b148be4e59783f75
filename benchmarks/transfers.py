"""Upload and download of a large file: csvmill, and other servers in the same run.

All transfers alternate, one of each in every round; the table has the medians. Files that a server
took before are removed, and the disk synced, before the next transfer. Head starts are off, so that
no job runs beside a transfer.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.peers import servers
from benchmarks.stack import running
from csvmill.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MB = 1_000_000
JOB_TIMEOUT = 3600.0
SETTINGS = {"CSVMILL_HEAD_STARTS": "0"}
SERVICES = "streamed"
"""The three services of the table: a gateway that reads storage's files over HTTP."""
CURL = "csvmill, curl -T"
CLIENT = "csvmill, AsyncClient.upload"
CURL_SERVICES = "csvmill in three services, curl -T"
DOWN = "csvmill"
DOWN_SERVICES = "csvmill, through gateway and storage"
NGINX = "nginx"
SYNCED = "nginx, and then fsync"
"""What an upload to nginx takes until it is as durable as an answer of csvmill says."""
TUS = "@tus/server"


class Transfers:
    """Uploads `upload` to, and downloads the result of `sparse` from, servers in `folder`."""

    def __init__(self, folder: Path, upload: Path, sparse: Path, *, rounds: int) -> None:
        self._folder = folder
        self._upload = upload
        self._sparse = sparse
        self._rounds = rounds

    def tables(self) -> list[Table]:
        """Measure; return the tables."""
        with ExitStack() as stack:
            up: dict[str, Callable[[], float]] = {}
            down: dict[str, Callable[[], float]] = {}
            urls = {}
            for mode in ("standalone", SERVICES):
                own = self._folder / f"transfers-{mode}"
                own.mkdir()
                started = stack.enter_context(running(mode, own, SETTINGS))
                urls[mode] = str(started["url"])
            result = self._folder / "result.csv"
            addresses = {mode: self._result(url, result) for mode, url in urls.items()}
            size = result.stat().st_size
            if servers.nginx_version():
                files = self._folder / "nginx" / "files"
                url = stack.enter_context(servers.nginx(files.parent))
                shutil.move(result, files / "result.csv")
                up[NGINX] = lambda: self._put_to_nginx(url, files)
                up[SYNCED] = lambda: self._put_to_nginx(url, files, sync=True)
                down[NGINX] = lambda: _download(f"{url}/result.csv")
            if servers.tus_version():
                tus_url = stack.enter_context(servers.tus(self._folder / "tus"))
                up[TUS] = lambda: self._patch_to_tus(tus_url)
            up[CURL] = lambda: self._curl(urls["standalone"])
            up[CLIENT] = lambda: self._client(urls["standalone"])
            up[CURL_SERVICES] = lambda: self._curl(urls[SERVICES])
            down[DOWN] = lambda: _download(addresses["standalone"])
            down[DOWN_SERVICES] = lambda: _download(addresses[SERVICES])
            uploads = self._alternate(up, self._upload.stat().st_size)
            downloads = self._alternate(down, size)
        return [_table("upload", uploads, _upload_ratios), _table("download", downloads, _ratios)]

    def _alternate(self, transfers: dict[str, Callable[[], float]], size: int) -> dict[str, float]:
        """Return the median MB/s of each transfer."""
        seconds: dict[str, list[float]] = {name: [] for name in transfers}
        for _ in range(self._rounds):
            for name, transfer in transfers.items():
                os.sync()
                seconds[name].append(transfer())
        return {name: size / MB / statistics.median(each) for name, each in seconds.items()}

    def _result(self, url: str, target: Path) -> str:
        """Aggregate the sparse file, download its result, and return its URL."""
        with Client(url) as client:
            job_id = client.upload(self._sparse)
            client.wait(job_id, timeout=JOB_TIMEOUT)
            client.download(job_id, target)
        return f"{url}/api/v1/jobs/{job_id}/result"

    def _curl(self, url: str) -> float:
        address = f"{url}/api/v1/uploads?name=plays.csv"
        seconds, answer = _timed("curl", "-sf", "-T", str(self._upload), address)
        self._finish(url, json.loads(answer)["job"].rpartition("/")[2])
        return seconds

    def _client(self, url: str) -> float:
        with Client(url) as client:
            began = time.perf_counter()
            job_id = client.upload(self._upload)
            seconds = time.perf_counter() - began
        self._finish(url, job_id)
        return seconds

    def _finish(self, url: str, job_id: str) -> None:
        with Client(url) as client:
            client.wait(job_id, timeout=JOB_TIMEOUT)
            client.delete(job_id)

    def _put_to_nginx(self, url: str, files: Path, *, sync: bool = False) -> float:
        began = time.perf_counter()
        _timed("curl", "-sf", "-T", str(self._upload), f"{url}/upload.csv")
        if sync:
            with (files / "upload.csv").open("rb") as stored:
                os.fsync(stored.fileno())
        seconds = time.perf_counter() - began
        (files / "upload.csv").unlink()
        return seconds

    def _patch_to_tus(self, url: str) -> float:
        """Create an upload and send it. Only the sending is timed."""
        tus = ("-H", "Tus-Resumable: 1.0.0")
        length = ("-H", f"Upload-Length: {self._upload.stat().st_size}")
        _, answer = _timed("curl", "-sf", "-X", "POST", "-D", "-", *tus, *length, url)
        (location,) = (
            line.partition(":")[2].strip()
            for line in answer.splitlines()
            if line.lower().startswith("location:")
        )
        body = ("-H", "Content-Type: application/offset+octet-stream", "-H", "Upload-Offset: 0")
        seconds, _ = _timed(
            "curl", "-sf", "-X", "PATCH", *tus, *body, "-T", str(self._upload), location
        )
        for path in (self._folder / "tus").iterdir():
            path.unlink()
        return seconds


def _download(address: str) -> float:
    seconds, _ = _timed("curl", "-sf", "-o", os.devnull, address)
    return seconds


def _timed(*command: str) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - began, done.stdout


def _table(
    title: str,
    speeds: dict[str, float],
    ratios: Callable[[dict[str, float]], dict[str, tuple[str, str]]],
) -> Table:
    table = Table(title, "MB/s", "ratio", "target")
    shown = ratios(speeds)
    for name, speed in speeds.items():
        table.add_row(name, f"{speed:,.0f}", *shown.get(name, ("", "")))
    return table


def _upload_ratios(speeds: dict[str, float]) -> dict[str, tuple[str, str]]:
    against = [
        f"{speeds[CURL] / speeds[peer]:.2f}x {peer}"
        for peer in (NGINX, SYNCED, TUS)
        if peer in speeds
    ]
    return {
        CURL: (", ".join(against), "1.0x nginx, 1.2x @tus/server"),
        CLIENT: (f"{speeds[CLIENT] / speeds[CURL]:.2f}x curl", "0.8x curl"),
        CURL_SERVICES: (f"{speeds[CURL_SERVICES] / speeds[CURL]:.2f}x one process", "0.6x"),
    }


def _ratios(speeds: dict[str, float]) -> dict[str, tuple[str, str]]:
    shown = {DOWN_SERVICES: ("", "600 MB/s")}
    if NGINX in speeds:
        shown[DOWN] = (f"{speeds[DOWN] / speeds[NGINX]:.2f}x nginx", "0.9x nginx")
    return shown
