"""`python -m headend`: the same as the `headend` command."""

from headend.cli import main

main()
