"""What holds on every host, whatever its roles."""

from __future__ import annotations

from testinfra.host import Host

USERS = (
    "headend-archive",
    "headend-build",
    "headend-encoder",
    "headend-finish",
    "headend-hooks",
    "headend-ingest",
    "headend-remux",
    "headend-srt",
    "headend-web",
)


def test_system_users_cannot_log_in(host: Host) -> None:
    for user in USERS:
        entry = host.check_output("getent passwd %s", user).split(":")
        assert int(entry[2]) not in (0, *range(1000, 60000)), f"{user} is no system user"
        assert entry[6].endswith("nologin")


def test_nothing_of_headend_runs_as_root(host: Host) -> None:
    processes = host.check_output("ps -eo user:32=,args=").splitlines()
    ours = [line for line in processes if "/opt/headend/" in line or "/etc/headend/" in line or " ffmpeg " in line]
    assert [line for line in ours if line.startswith("root ")] == []


def test_only_root_may_change_programs_and_configuration(host: Host) -> None:
    changeable = host.check_output(
        "find /opt/headend /etc/headend /etc/systemd/system -not -type l '(' -perm /022 -o -not -user root ')' -print"
    )
    assert changeable == ""


def test_no_unfinished_file_is_left(host: Host) -> None:
    assert (
        host.check_output("find /etc /opt/headend -name '*.headend-new' -o -name current.new -o -name incoming") == ""
    )


def test_no_unit_has_failed(host: Host) -> None:
    assert (
        host.check_output(
            "systemctl list-units --failed --plain --no-legend 'nginx@*' 'ffmpeg@*' 'srt-remux*' 'headend-*'"
        )
        == ""
    )
