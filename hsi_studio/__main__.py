"""`python -m hsi_studio …`"""

import sys

from hsi_studio.cli.main import main

sys.exit(main())
