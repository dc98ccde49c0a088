"""`python -m qa_sweep.data`"""

import sys

from qa_sweep.data.command import main

sys.exit(main())
