# The place of a task is imported by module and number: module:task
terraform import bess_task.slow slow:0
