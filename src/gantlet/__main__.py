"""`python -m gantlet`: the command line, where its script is not on the path."""

import sys

from gantlet.cli import main

sys.exit(main())
