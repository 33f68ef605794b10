"""From a function to its program: an interpreter behind the doors that writes down what passes."""
