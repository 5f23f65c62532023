"""`python -m hsi_studio …`"""

import sys

from hsi_studio.cli import main

sys.exit(main())
