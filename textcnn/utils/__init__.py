"""General helpers: workers, threads, progress, link functions and plots."""
