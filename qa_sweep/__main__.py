"""`python -m qa_sweep`"""

import sys

from qa_sweep.cli import main

sys.exit(main())
