# A worker is imported by its id.
terraform import bess_worker.main 0
