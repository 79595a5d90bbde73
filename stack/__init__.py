"""Prefect on this machine: its server, a worker, the serving and the watching process.  It starts `flows` by name and imports nothing from it."""
