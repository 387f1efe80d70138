"""Pictures: results to the numbers of a figure, and those to a drawing."""
