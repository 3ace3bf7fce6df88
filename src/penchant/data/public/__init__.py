"""Public data sets as communities: by name, or from the files their publishers hand out.

None of them is shipped with Penchant, and each keeps its own licence. `load` gives the community alone, `import_data`
also what was left out and why.
"""

from penchant.data.public.catalogue import NAMES, import_data, load
from penchant.data.public.imported import Imported

__all__ = ["NAMES", "Imported", "import_data", "load"]
