"""What makes the site beside Sphinx: formulas without a network, code read from its file, pages from the table."""
