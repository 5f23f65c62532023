"""HSI Studio in the browser: `python app.py`, or `python app.py --help`."""

from __future__ import annotations

import sys

from hsi_studio.ui.launch import main

if __name__ == "__main__":
    sys.exit(main())
