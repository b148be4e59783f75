"""The commands of docs/operations.md that change passwords, on servers without containers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import aio_pika
import aiormq
import asyncpg
import pytest

from tests.compose.stack import make_env
from tests.compose.waiting import documented
from tests.servers.accounts import find_program
from tests.servers.postgres import PostgresServer
from tests.servers.rabbitmq import _FOLDERS, RabbitServer

if TYPE_CHECKING:
    from tests.servers.base import PrivateServer

_DOCKER = """#!/bin/sh
# docker compose exec -T SERVICE COMMAND...
shift 4
case $1 in
    psql) shift; exec psql -h 127.0.0.1 -p {port} -d csvmill "$@" ;;
    rabbitmqctl) shift; exec {rabbitmqctl} "$@" ;;
    sh) PATH={folder}:$PATH exec "$@" ;;
esac
exit 1
"""
POSTGRES, RABBITMQ, FINISH = documented("### Change a password")[1:4]


class Commands:
    """Runs documented commands in a folder with secrets, for a server of the tests."""

    def __init__(self, folder: Path, server: PrivateServer, **settings: str) -> None:
        self._folder = folder
        self._env = {**os.environ, **settings, "PATH": f"{folder}:{os.environ['PATH']}"}
        self.secrets = folder / "deploy/secrets"
        self.secrets.parent.mkdir()
        self._options = ("--env", str(folder / ".env"), "--secrets", str(self.secrets))
        make_env(*self._options)
        rabbitmqctl = find_program("rabbitmqctl", _FOLDERS, package="rabbitmq-server")
        docker = folder / "docker"
        docker.write_text(
            _DOCKER.format(
                port=getattr(server, "port", 0),
                rabbitmqctl=rabbitmqctl,
                folder=Path(rabbitmqctl).parent,
            )
        )
        docker.chmod(0o700)

    def run(self, script: str) -> None:
        """Run all lines of a script but that of `make env`, which is run on its own."""
        first, _, rest = script.partition("\n")
        if first.startswith("make env"):
            make_env(*self._options, *first.partition('ARGS="')[2].rstrip('"').split())
            script = rest
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self._folder, env=self._env, check=True
        )

    def read(self, name: str) -> str:
        """Return a secret."""
        return (self.secrets / name).read_text().strip()


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed")
async def test_both_roles_of_postgresql_are_valid_and_are_one_owner(tmp_path: Path) -> None:
    with PostgresServer() as server:
        admin = await asyncpg.connect(server.url)
        await admin.execute("CREATE ROLE csvmill SUPERUSER LOGIN PASSWORD 'first'")
        await admin.execute("CREATE DATABASE csvmill OWNER csvmill")
        commands = Commands(tmp_path, server)
        for number in range(3):
            commands.run(POSTGRES)
            user = commands.read("postgres_user")
            assert user == ("csvmill", "csvmill_2")[(number + 1) % 2]
            # Both have a password, and what the one creates belongs to the other too
            assert await passwords(admin) == {"csvmill": True, "csvmill_2": True}
            url = f"postgresql://{user}@127.0.0.1:{server.port}/csvmill"
            connection = await asyncpg.connect(url)
            assert await connection.fetchval("SELECT current_user") == "csvmill"
            await connection.execute(f"CREATE TABLE made_{number} (id INTEGER)")
            await connection.close()
            commands.run(FINISH.splitlines()[0])
            assert await passwords(admin) == {
                each: each == user for each in ("csvmill", "csvmill_2")
            }
        await admin.close()


async def passwords(admin: asyncpg.Connection[asyncpg.Record]) -> dict[str, bool]:
    rows = await admin.fetch(
        "SELECT rolname, rolpassword IS NOT NULL AS has FROM pg_authid WHERE rolname ~ '^csvmill'"
    )
    return {row["rolname"]: row["has"] for row in rows}


async def test_both_users_of_rabbitmq_are_valid_until_the_replaced_one_is_not(
    tmp_path: Path,
) -> None:
    with RabbitServer() as server:
        commands = Commands(tmp_path, server, **server._environment())
        first = commands.read("rabbitmq_password")
        for arguments in (
            ("add_vhost", "csvmill"),
            ("add_user", "csvmill", first),
            ("set_permissions", "-p", "csvmill", "csvmill", ".*", ".*", ".*"),
        ):
            server.rabbitmqctl(*arguments)
        replaced = ("csvmill", first)
        for expected in ("csvmill_2", "csvmill"):
            commands.run(RABBITMQ)
            user, password = commands.read("rabbitmq_user"), commands.read("rabbitmq_password")
            assert user == expected
            for known in (replaced, (user, password)):
                await use(server, *known)
            commands.run("\n".join(FINISH.splitlines()[1:]))
            await use(server, user, password)
            with pytest.raises(aiormq.exceptions.ProbableAuthenticationError):
                await use(server, *replaced)
            replaced = (user, password)


async def use(server: RabbitServer, user: str, password: str) -> None:
    """Declare a queue as this user."""
    url = f"amqp://{user}:{password}@127.0.0.1:{server.port}/csvmill"
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("of a test", auto_delete=True)
