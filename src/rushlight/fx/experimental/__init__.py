"""What torch calls experimental: what libraries import from there."""
