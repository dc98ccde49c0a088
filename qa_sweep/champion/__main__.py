"""`python -m qa_sweep.champion`"""

import sys

from qa_sweep.champion import main

sys.exit(main())
