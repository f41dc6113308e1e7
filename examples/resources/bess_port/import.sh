# A port is imported by its name.
terraform import bess_port.local local
