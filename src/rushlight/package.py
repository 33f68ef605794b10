"""torch.package: refused."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.refusals import (
    packages as Directory, packages as EmptyMatchError, packages as GlobGroup, packages as Importer,
    packages as ObjMismatchError, packages as ObjNotFoundError, packages as OrderedImporter,
    packages as PackageExporter, packages as PackageImporter, packages as PackagingError,
    packages as is_from_package, packages as sys_importer,
)
# fmt: on
# ---- names: end ----
