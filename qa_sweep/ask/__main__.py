"""`python -m qa_sweep.ask`."""

import sys

from qa_sweep.ask import main

if __name__ == "__main__":
    sys.exit(main())
