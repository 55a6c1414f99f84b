"""Workers, threads, progress, links and plots: helpers that know no model and no fold."""
