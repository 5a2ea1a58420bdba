"""WHERE: constants that only the sysadmin notices. No helpers in here: pyinfra loads every name as host data."""

# Layout (headend/layout.py says what each is for).
prefix = "/opt/headend"
config_dir = "/etc/headend"
state_dir = "/var/lib/headend"
media_root = "/srv/headend/media"
web_address = "0.0.0.0"
web_http_port = 8080
stat_port = 8081
hooks_port = 8090
