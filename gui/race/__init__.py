"""A race: who takes part, the jobs one after another, what came out, and who is faster."""
