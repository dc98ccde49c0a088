"""`python -m qa_sweep.study`"""

import sys

from qa_sweep.study import main

sys.exit(main())
