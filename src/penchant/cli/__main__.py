"""`python -m penchant.cli` is `penchant`."""

import sys

from penchant.cli.app import main

sys.exit(main())
