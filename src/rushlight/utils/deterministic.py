"""Whether new memory is filled, which makes the use of memory that nobody has written repeat itself."""

fill_uninitialized_memory = True
