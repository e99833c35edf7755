"""The published rates, and what few patients can say beside them."""
