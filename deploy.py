"""Turn bare Debian hosts into the origin that a spec describes.

    pyinfra INVENTORY deploy.py [--dry] [--diff] [--limit GROUP]

All installs run before all configures before all activates. Nothing here cuts a live show (deploys/activate.py).
"""

from pyinfra import host

from deploys import activate, artifacts, builder, hooks_app, packages, releases, site, users

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
if here.has("ingest", "control", "web"):
    users.create_folders(name="Create folders", here=here, applied_dir=applied)

# Activate: links first, then the units that run with something else than what lies there.
if here.has("control", "web"):
    hooks_app.switch(name="Switch to the release of the hook app", root=app)
    releases.prune(name="Keep the current and the previous hook app", root=app)
for role in host.loop(activate.ROLES):  # every host loops over every role: pyinfra tells operations apart by position
    if here.has(role):
        wanted = activate.unit_of(here, role)
        activate.run(
            name=f"Run {wanted.unit}",
            wanted=wanted,
            applied_dir=applied,
            stat_port=here.layout.stat_port,
            cut_live_streams=host.data.cut_live_streams is True,
        )
