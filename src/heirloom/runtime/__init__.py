"""What a process runs on: random streams, processes, devices, memory, and how far a step has come."""
