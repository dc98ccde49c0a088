"""`python -m qa_sweep.doctor`"""

import sys

from qa_sweep.doctor import main

sys.exit(main())
