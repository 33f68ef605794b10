"""`rushlight explain`: an operation, module, optimizer or schedule, taken apart."""
