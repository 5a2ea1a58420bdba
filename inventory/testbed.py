"""The laboratory's running hosts (python -m testbed up NAME), each with every role."""

from testbed.host import running_hosts
from testbed.receiver import secrets_folder

_hosts = [f"@podman/{_host.container}" for _host in running_hosts()]

builder = _hosts
ingest = _hosts
control = _hosts
web = _hosts

# A laboratory host lives for minutes and may sit behind a mirror that lags: an old source is reported, not refused.
_secrets = str(secrets_folder())
_data = {
    "spec": "specs/demo.yaml",
    "allow_stale_sources": True,
    "announcement_secrets_dir": _secrets,
    "archive_secrets_dir": _secrets,
}
testbed = (_hosts, _data)
