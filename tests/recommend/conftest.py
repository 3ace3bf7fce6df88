import sys
from pathlib import Path

# The contract of scorers is kept with their tests; the text similarity joins it from here.
sys.path.append(str(Path(__file__).parent.parent / "collaborative"))
