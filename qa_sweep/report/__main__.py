"""`python -m qa_sweep.report`"""

import sys

from qa_sweep.report import main

sys.exit(main())
