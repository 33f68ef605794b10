"""All cases in one start of the processes."""

import collectives  # noqa: F401  says its cases
import stages  # noqa: F401
import training  # noqa: F401
from saying import end

end()
