# A module is imported by its name.
terraform import bess_module.firewall firewall
