"""One page of a plan run: tables and pictures with their numbers, in Dutch or English; knows no Django."""
