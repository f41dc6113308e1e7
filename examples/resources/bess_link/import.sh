# A link is imported by its two ends: from:ogate->igate:to
terraform import bess_link.right 'split:1->1:merge'
