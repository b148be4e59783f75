"""`python -m csvmill`: the command line without an installed script."""

from csvmill.cli import main

main()
