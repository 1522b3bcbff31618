"""Ways to carry out a start, behind one TaskRunner protocol."""
