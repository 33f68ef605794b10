"""The settings of torch.compiler."""

import sys

from rushlight.utils.options import Options

job_id: str | None = None
pgo_extra_read_key: str | None = None
pgo_extra_write_key: str | None = None
cache_key_tag = ""
dynamic_sources = ""
unbacked_sources = ""
force_disable_caches = False
cpu_capture_scalar_outputs = False

sys.modules[__name__].__class__ = Options
