"""WHERE: constants that only the sysadmin notices. No helpers in here: pyinfra loads every name as host data."""

# Layout (headend/layout.py says what each is for).
prefix = "/opt/headend"
config_dir = "/etc/headend"
state_dir = "/var/lib/headend"
media_root = "/srv/headend/media"
run_dir = "/run/headend"
web_address = "0.0.0.0"
web_http_port = 8080
stat_port = 8081
hooks_port = 8090

# Deploy.
app_install_from = "wheelhouse"  # "index": the host fetches the hash-pinned packages itself
cut_live_streams = False  # True: restart nginx@ingest even under a live publisher
media_root_shared = False  # True: a web host without ingest mounts the origin's media root

# nginx build.
allow_stale_sources = False  # True: build from sources older than the newest security revision, and let doctor say so
remove_toolchain = False  # True: a lone host loses its compilers after the build
