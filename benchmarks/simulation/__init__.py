"""A model server and the queues before it, in virtual time."""
