"""From a program to C."""
