"""WHERE: constants that only the sysadmin notices. No helpers in here: pyinfra loads every name as host data."""

# Layout (headend/layout.py says what each is for).
prefix = "/opt/headend"
config_dir = "/etc/headend"
state_dir = "/var/lib/headend"
media_root = "/srv/headend/media"
recordings_root = "/srv/headend/recordings"
run_dir = "/run/headend"
web_address = "0.0.0.0"
web_http_port = 8080
stat_port = 8081
srt_stat_port = 8082
hooks_port = 8090
database_url = ""  # "postgresql+psycopg://headend@db.example.org/headend": several hosts share it; "": SQLite

# Deploy.
app_install_from = "wheelhouse"  # "index": the host fetches the hash-pinned packages itself
cut_live_streams = False  # True: restart nginx@ingest and nginx@srt even under a live publisher
# A local file: hosts that are to accept the same URLs and keys share its secret; "": each its own
master_secret_file = ""
# A local file with the password of database_url's user, or with a line of a pgpass file; "": the host has one already
database_password_file = ""
# A local folder with the destinations' secrets, a file for each, named as in the spec; "": the host has them already
announcement_secrets_dir = ""
# A local folder with the secret access key of the archive, named as in the spec; "": the host has it already
archive_secrets_dir = ""
media_root_shared = False  # True: a web host without ingest mounts the origin's media root

# nginx build.
allow_stale_sources = False  # True: build from sources older than the newest security revision, and let doctor say so
remove_toolchain = False  # True: a lone host loses its compilers after the build
