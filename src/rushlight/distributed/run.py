"""torch.distributed.run: refused, for rushlight runs in one process."""

from rushlight.absent import refused

_WHY = "it starts processes, and rushlight runs in one; start the program itself"
main = refused("main", _WHY, __name__)
run = refused("run", _WHY, __name__)
elastic_launch = refused("elastic_launch", _WHY, __name__)
get_args_parser = refused("get_args_parser", _WHY, __name__)
parse_args = refused("parse_args", _WHY, __name__)
config_from_args = refused("config_from_args", _WHY, __name__)
determine_local_world_size = refused("determine_local_world_size", _WHY, __name__)
