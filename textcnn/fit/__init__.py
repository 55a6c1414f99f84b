"""Where fold plans meet models: parameters, jobs, fits and what they leave."""
