"""What follows from a database URL: what a unit may reach, what it is given, and no password anywhere."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from headend.database import Server, server_of
from headend.layout import Layout
from headend.model.spec import Site, Spec, Stream
from headend.render import render_role
from tests.headend.house import LAYOUT

SPEC = Spec(site=Site(public_url="https://live.example.org"), streams=(Stream(slug="demo", title="Demo"),))
URL = "postgresql+psycopg://headend@{}/headend"
HOOKS = "headend-hooks.service"
CREDENTIAL = "LoadCredential=database:/etc/headend/credentials/database"


def layout(database_url: str) -> Layout:
    return Layout.from_data({**LAYOUT.model_dump(), "database_url": database_url})


def files(database_url: str) -> dict[str, str]:
    artifacts = render_role(SPEC, layout(database_url), "control")
    return {artifact.path.rsplit("/", 1)[-1]: artifact.text for artifact in artifacts}


def lines(text: str, *keys: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(keys)]


@pytest.mark.parametrize(
    "url, server, network",
    [
        ("", None, None),
        (URL.format("192.0.2.7"), Server("192.0.2.7"), "192.0.2.7"),
        (URL.format("[2001:db8:0::7]:5433"), Server("2001:db8:0::7"), "2001:db8::7"),
        (URL.format("localhost"), Server("localhost"), "localhost"),
        (URL.format("db.example.org"), Server("db.example.org"), None),
        ("postgresql+psycopg://headend@/headend?host=/run/postgresql", Server(None), "localhost"),
        ("postgresql+psycopg:///headend", Server(None), "localhost"),
    ],
)
def test_a_url_names_its_server(url: str, server: Server | None, network: str | None) -> None:
    assert server_of(url) == server
    assert (server.network if server else None) == network


@pytest.mark.parametrize(
    "url, said",
    [
        ("postgresql+psycopg://headend:hunter2@db/headend", "holds a password"),
        ("postgresql+psycopg://headend@db/headend?password=hunter2", "holds a password"),
        ("sqlite:////var/lib/hunter2", "must be empty or have the form"),
        ("postgresql://headend@db/hunter2", "must be empty or have the form"),
        ("postgresql+psycopg://headend@db", "must be empty or have the form"),
        ("postgresql+psycopg://headend@db:hunter2/headend", "is no URL of the form"),
        ("postgresql+psycopg://[hunter2/headend", "is no URL of the form"),
    ],
)
def test_another_url_is_refused_without_being_repeated(url: str, said: str) -> None:
    with pytest.raises(ValidationError) as error:
        layout(url)
    (fault,) = error.value.errors()
    assert said in fault["msg"]
    assert "hunter2" not in fault["msg"]


def test_sqlite_needs_no_network_and_no_password() -> None:
    hooks, backup = files("")[HOOKS], files("")["headend-backup.service"]
    assert CREDENTIAL not in hooks + backup
    assert lines(hooks, "IPAddress", "RestrictAddress") == [
        "RestrictAddressFamilies=AF_UNIX AF_INET",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
    ]
    assert lines(backup, "IPAddress", "RestrictAddress", "PrivateNetwork") == [
        "PrivateNetwork=yes",
        "RestrictAddressFamilies=none",
        "IPAddressDeny=any",
    ]


def test_a_server_with_an_address_is_all_that_is_reached() -> None:
    text = files(URL.format("192.0.2.7"))[HOOKS]
    assert CREDENTIAL in text.splitlines()
    assert lines(text, "IPAddress", "RestrictAddress") == [
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "IPAddressDeny=any",
        "IPAddressAllow=localhost",
        "IPAddressAllow=192.0.2.7",
    ]


def test_a_server_with_a_name_leaves_the_way_out_to_the_firewall_and_says_so() -> None:
    text = files(URL.format("db.example.org"))[HOOKS]
    assert CREDENTIAL in text.splitlines()
    assert lines(text, "IPAddress") == []
    assert "# No IPAddressDeny=:" in text


def test_a_server_on_a_socket_asks_for_no_password() -> None:
    text = files("postgresql+psycopg://headend@/headend?host=/run/postgresql")[HOOKS]
    assert CREDENTIAL not in text
    assert lines(text, "IPAddress") == ["IPAddressDeny=any", "IPAddressAllow=localhost"]


def test_a_server_is_backed_up_by_its_own_means() -> None:
    server, sqlite = files(URL.format("192.0.2.7")), files("")
    assert sqlite.keys() - server.keys() == {"headend-backup.service", "headend-backup.timer"}
    assert json.loads(server["hooks_app.json"])["backup_dir"] == ""
    assert json.loads(sqlite["hooks_app.json"])["backup_dir"] == "/var/lib/headend/backup"


@pytest.mark.parametrize("command", ["headend-key", "headend-token"])
def test_a_command_gets_the_password_only_where_there_is_one(command: str) -> None:
    assert "credentials/database" in files(URL.format("192.0.2.7"))[command]
    assert "credentials/database" not in files("")[command] + files(URL.format("192.0.2.7"))["headend-backup"]
