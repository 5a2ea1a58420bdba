"""Turn bare Debian hosts into the origin that a spec describes.

    pyinfra INVENTORY deploy.py [--dry] [--diff] [--limit GROUP]

All installs run before all configures before all activates. Nothing here cuts a live show (deploys/activate.py).
"""

from pyinfra import host

from deploys import (
    activate,
    announcer,
    archiver,
    artifacts,
    builder,
    credentials,
    hooks_app,
    kernel,
    packages,
    releases,
    site,
    srt,
    users,
)

here = site.site_of(host)
app = f"{here.layout.prefix}/app"
applied = f"{here.layout.state_dir}/applied"

# Install: packages, users, programs. What runs keeps running.
packages.install(name="Install Debian packages", packages=packages.of_roles(here.roles))
artifacts.place(name="Declare the system users", artifacts=here.under(users.SYSUSERS))
users.create_users(name="Create the system users")
builder.build()  # on every host: nobody installs nginx before the builder has built it
if here.has("ingest", "web"):
    builder.install_nginx()
if here.has("control", "web"):
    hooks_app.install(name="Install the hook app", root=app, install_from=host.data.app_install_from)

# Configure: every rendered file, and nothing of streams that have left the spec.
artifacts.place(name="Place configuration and units", artifacts=here.artifacts)
if here.has("ingest", "web"):
    artifacts.remove_dropped_streams(
        name="Remove dropped streams",
        streams_dir=f"{here.layout.config_dir}/streams",
        slugs=here.slugs,
        stat_port=here.layout.stat_port if here.has("ingest") else None,
    )
if here.has("ingest"):
    ladders_dir = f"{here.layout.config_dir}/ladders"
    artifacts.remove_dropped_ladders(name="Remove dropped ladders", ladders_dir=ladders_dir, ladders=here.ladders)
if here.has("ingest", "control", "web"):
    users.create_folders(name="Create folders", here=here, applied_dir=applied)
if here.has_srt:
    kernel.raise_limits(name="Raise the kernel's limits")
if here.has("control"):
    master = f"{here.layout.config_dir}/credentials/master"
    credentials.place_master(name="Place the master secret", path=master, local_file=host.data.master_secret_file)
if here.has("control") and here.layout.needs_database_password:
    credentials.place_database_password(
        name="Place the database's password",
        path=activate.database_password(here),
        local_file=host.data.database_password_file,
    )
if here.has("control") and here.announcement_secrets:
    credentials.place_named(
        name="Place the destinations' secrets",
        paths={name: announcer.secret_path(here.layout.config_dir, name) for name in here.announcement_secrets},
        local_dir=host.data.announcement_secrets_dir,
        setting="announcement_secrets_dir",
    )
if here.has("control") and here.archive_secrets:
    credentials.place_named(
        name="Place the archive's secret",
        paths={name: archiver.secret_path(here.layout.config_dir, name) for name in here.archive_secrets},
        local_dir=host.data.archive_secrets_dir,
        setting="archive_secrets_dir",
    )

# Activate: links first, then the units that run with something else than what lies there.
cut = host.data.cut_live_streams is True
if here.has("control", "web"):
    hooks_app.switch(name="Switch to the release of the hook app", root=app)
    releases.prune(name="Keep the current and the previous hook app", root=app)
if here.has("ingest") and not here.has_srt:
    srt.retire(name="Remove SRT", here=here, applied_dir=applied, cut_live_streams=cut)
if here.has("control") and not here.announces:
    announcer.retire(name="Remove the announcer", config_dir=here.layout.config_dir, applied_dir=applied)
if here.has("ingest", "control") and not here.records:
    archiver.retire(name="Remove the archiver", config_dir=here.layout.config_dir, applied_dir=applied)
for unit in host.loop(activate.UNITS):  # every host loops over every unit: pyinfra tells operations apart by position
    if wanted := activate.unit_of(here, unit):
        activate.run(name=f"Run {unit}", wanted=wanted, applied_dir=applied, cut_live_streams=cut)
