"""The blocking client has the same methods, and works from plain threads."""

from __future__ import annotations

import inspect
import re
import threading
from wsgiref.simple_server import make_server

import pytest

from csvmill.client import AsyncClient, Client, ConnectionLost, Retries
from tests.ports import free_port


def public(kind: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(method)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def test_both_clients_have_the_same_methods_with_the_same_parameters_and_results() -> None:
    theirs, ours = public(AsyncClient), public(Client)
    assert ours.keys() == theirs.keys()
    for name, signature in ours.items():
        expected = theirs[name]
        assert signature.parameters == expected.parameters, name
        returned = re.sub(
            r"AsyncGenerator\[(\w+), None\]|AsyncIterator\[(\w+)\]",
            r"Iterator[\1\2]",
            str(expected.return_annotation),
        )
        assert signature.return_annotation == returned, name
    assert inspect.signature(Client.__init__) == inspect.signature(AsyncClient.__init__)


def test_it_works_without_an_event_loop_of_the_caller() -> None:
    with make_server("127.0.0.1", 0, _answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with Client(f"http://127.0.0.1:{server.server_port}") as client:
                about = client.about()
        finally:
            server.shutdown()
            thread.join()
    assert about.version == "9.9"


def test_exceptions_propagate_and_the_thread_ends() -> None:
    with (
        pytest.raises(ConnectionLost),
        Client(f"http://127.0.0.1:{free_port()}", retries=Retries(attempts=1)) as client,
    ):
        client.about()
    assert not [thread for thread in threading.enumerate() if thread.name == "csvmill-client"]


def _answer(_environ: object, start_response: object) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])  # type: ignore[operator]
    return [b'{"status": "ok", "version": "9.9"}']
