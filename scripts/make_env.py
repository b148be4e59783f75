"""Create .env and the secrets of docker-compose.yml, or replace a secret.

Nothing that exists is overwritten. The secrets are files of a folder that only its owner may enter;
compose puts each into the containers that need it, as a file. They are in no variable, image or
command line. Passwords in an existing .env of csvmill 0.2 become the contents of the files.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = "deploy/secrets"
"""The default of `CSVMILL_SECRETS`, relative to docker-compose.yml."""

SECRETS = {
    "postgres_password": "POSTGRES_PASSWORD",
    "rabbitmq_password": "RABBITMQ_PASSWORD",
    "storage_token": "CSVMILL_STORAGE_TOKEN",
    "grafana_password": "GRAFANA_PASSWORD",
}
"""The files with random contents, and the variables that were used for them."""

USERS = {"postgres_password": "postgres_user", "rabbitmq_password": "rabbitmq_user"}
"""The passwords of users, and the files with the names of those who have them.

Each server knows two users, of whom one is used. A new password is that of the other one, so that
both are valid until all services have been started again.
"""
FIRST, SECOND = "csvmill", "csvmill_2"

_ROLE = """\
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{second}') THEN
        CREATE ROLE {second} LOGIN IN ROLE {first};
        ALTER ROLE {second} SET role = '{first}';
    END IF;
END
$$;
ALTER ROLE {postgres_user} PASSWORD '{postgres_password}';
"""

_DEFINITIONS = """\
{{
  "users": [
    {{"name": "{rabbitmq_user}", "password": "{rabbitmq_password}", "tags": "administrator"}}
  ],
  "permissions": [
    {{"user": "{rabbitmq_user}", "vhost": "csvmill",
     "configure": ".*", "write": ".*", "read": ".*"}}
  ]
}}
"""

DERIVED = {
    "database_url": "postgresql://{postgres_user}:{postgres_password}@postgres:5432/csvmill\n",
    "broker_url": "amqp://{rabbitmq_user}:{rabbitmq_password}@rabbitmq:5672/csvmill\n",
    "rabbitmq.conf": "default_user = {rabbitmq_user}\ndefault_pass = {rabbitmq_password}\n"
    "default_vhost = csvmill\n",
    "rabbitmq.curl": 'user = "{rabbitmq_user}:{rabbitmq_password}"\n',
    "postgres_user.sql": _ROLE,
    "postgres_replaced.sql": "ALTER ROLE {postgres_replaced} PASSWORD NULL;\n",
    "rabbitmq_user.json": _DEFINITIONS,
    "rabbitmq_replaced": "{rabbitmq_replaced}\n",
}
"""The files that are made of others. From `rabbitmq.curl` on, they are for operators."""

_WORD = re.compile(r"[A-Za-z0-9._~-]+")
"""What can be part of a URL and of a line of settings as it is."""


def main() -> None:
    """Create what is missing, or do what the options say."""
    parser = argparse.ArgumentParser(prog="make env", description=__doc__.splitlines()[0])
    parser.add_argument("--env", type=Path, default=ROOT / ".env", help="the file of settings")
    parser.add_argument(
        "--secrets", type=Path, default=ROOT / FOLDER, help="the folder of the secrets"
    )
    parser.add_argument("--renew", choices=SECRETS, help="replace a secret")
    parser.add_argument(
        "--finish", action="store_true", help="remove the token of storage that was replaced"
    )
    parser.add_argument(
        "--pin", action="store_true", help="add the digests of the images that docker has"
    )
    options = parser.parse_args()
    folder: Path = options.secrets
    if options.renew:
        renew(folder, options.renew)
    elif options.pin:
        pin(options.env)
    elif options.finish:
        token = folder / "storage_token"
        _write(token, token.read_text().splitlines()[0] + "\n")
    else:
        for made in create(options.env, folder):
            print(f"created {made}")
        print(
            "Next: docker compose up -d --wait\n"
            "Then the first key: docker compose exec gateway csvmill keys create --name NAME"
        )


def create(env: Path, folder: Path) -> list[Path]:
    """Create the files that are missing, and return them."""
    made = []
    known = _settings(env.read_text()) if env.exists() else {}
    if not env.exists():
        example = (ROOT / ".env.example").read_text()
        _write(env, example, mode=0o600)
        made.append(env)
    elif "CSVMILL_SECRETS" not in known:
        _write(env, env.read_text().rstrip("\n") + f"\nCSVMILL_SECRETS=./{FOLDER}\n", mode=0o600)
    if known.keys() & set(SECRETS.values()):
        print(f"The passwords in {env} are in {folder} from now on: remove them from {env.name}.")
    env.chmod(0o600)
    # Containers get the files themselves, so their own users may read them; others cannot enter.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, variable in SECRETS.items():
        if not (folder / name).exists():
            _write(folder / name, _checked(known.get(variable) or _random(), variable) + "\n")
            made.append(folder / name)
    for name in USERS.values():
        if not (folder / name).exists():
            _write(folder / name, f"{FIRST}\n")
    for name in DERIVED:
        if not (folder / name).exists():
            _derive(folder, name)
            made.append(folder / name)
    return made


def renew(folder: Path, name: str) -> None:
    """Replace a secret. That of storage keeps the replaced one; a password is for another user."""
    old = (folder / name).read_text().split()
    if user := USERS.get(name):
        _write(folder / user, f"{_other(_user(folder, user))}\n")
    kept = f"{old[0]}\n" if name == "storage_token" else ""
    _write(folder / name, f"{_random()}\n{kept}")
    for derived, text in DERIVED.items():
        server = name.removesuffix("_password")
        if f"{{{server}_" in text:
            _derive(folder, derived)


def pin(env: Path) -> None:
    """Pin the images of other authors to what docker has of them now, so that none is replaced."""
    text = env.read_text()
    for variable, image in _settings(text).items():
        if variable.endswith("_IMAGE") and variable != "CSVMILL_IMAGE" and "@" not in image:
            digest = _digest(image)
            print(f"{image}: {digest or 'it has no digest: docker pull it first'}")
            if digest:
                text = text.replace(f"{variable}={image}\n", f"{variable}={image}@{digest}\n")
    _write(env, text, mode=0o600)


def _digest(image: str) -> str | None:
    done = subprocess.run(
        ["docker", "image", "inspect", "--format={{json .RepoDigests}}", image],
        capture_output=True,
        text=True,
        check=False,
    )
    known = json.loads(done.stdout) if done.returncode == 0 else []
    return next((str(digest).partition("@")[2] for digest in known or ()), None)


def _derive(folder: Path, name: str) -> None:
    values = {secret: (folder / secret).read_text().split()[0] for secret in SECRETS}
    for file in USERS.values():
        values[file] = _user(folder, file)
        values[file.replace("_user", "_replaced")] = _other(values[file])
    _write(folder / name, DERIVED[name].format(**values, first=FIRST, second=SECOND))


def _user(folder: Path, file: str) -> str:
    return (folder / file).read_text().strip() if (folder / file).exists() else FIRST


def _other(user: str) -> str:
    return FIRST if user == SECOND else SECOND


def _settings(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def _checked(secret: str, variable: str) -> str:
    if not _WORD.fullmatch(secret):
        sys.exit(f"{variable}: only letters, digits and -._~ can be part of a URL as they are")
    return secret


def _random() -> str:
    return secrets.token_hex(24)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that is complete or not there."""
    new = path.with_name(f".{path.name}.new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.chmod(mode)
    new.replace(path)


if __name__ == "__main__":
    main()
