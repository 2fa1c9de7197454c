"""Pictures judged by eye: drawing pairs, sheets for the judges, their labels, and the fit of the verdict to them."""
