"""`python -m qa_sweep.replay`"""

import sys

from qa_sweep.replay import main

sys.exit(main())
