# A traffic class is imported by its name.
terraform import bess_tc.guests guests
