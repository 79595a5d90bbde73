"""A made-up company with planted leaks and honest oddities, from one seed: for finding out what is found, and who is wrongly accused."""
