"""The cohort: how long patients stay free of an event, counted at risk and estimated from that count."""
