import sys
from pathlib import Path

# The encoder that needs no weights is kept with the tests of recommendation.
sys.path.append(str(Path(__file__).parent.parent / "recommend"))
