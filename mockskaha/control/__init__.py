"""The control API (``openapi/control.yaml``): what drives a server from outside its contract."""
