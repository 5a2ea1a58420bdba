"""pyinfra's own settings; it reads this file from the folder it is started in."""

from pyinfra import config

config.REQUIRE_PYINFRA_VERSION = "==3.10.0"
