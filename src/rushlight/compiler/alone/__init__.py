"""Programs as C that stands alone: no Python, no library but libm, no memory that is asked for."""
