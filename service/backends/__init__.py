"""The model server as the gateway sees it: tensors, calls, versions and the local process."""
